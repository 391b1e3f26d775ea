"""Payouts: create, list, read."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from structlog.contextvars import bind_contextvars

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.gathering import Gathering
from rewardrails.api.idempotency import IdempotencyKey, answer_of, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.own import maker_seen_by, refuse_others
from rewardrails.api.pagination import DEFAULT_LIMIT, Cursor, Limit, after_id, cursor_at, page_of
from rewardrails.api.schemas.payouts import PayoutDetail, PayoutIn, PayoutOut, PayoutPage, PayoutReceipt
from rewardrails.domain.assets import format_amount
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.reward import RewardRow, validate_row
from rewardrails.engine import quotes, read
from rewardrails.engine.accept import Acceptance
from rewardrails.engine.core import Core
from rewardrails.engine.request import PayoutRequest, RequestResult, RequestVerdict, request_of
from rewardrails.errors import RewardRailsError
from rewardrails.security.keys import Scope

FilterText = Annotated[
    str | None, QueryParameter(min_length=1, max_length=1024, pattern=r"^(?![\s\S]*[\u0000-\u001f\u007f-\u009f])")
]
_encode = msgspec.json.Encoder().encode


@post("/", guards=[Requires(Scope.PAYOUTS)], status_code=201)
async def create_payout(
    request: ApiRequest,
    gathering: Injected[Gathering],
    data: JSONBody[PayoutIn],
    idempotency_key: IdempotencyKey,
) -> Response[PayoutReceipt]:
    """Pay a reward out. 201 with a new payout; 200 with the payout this very reward is already; 409 with other content."""
    core = gathering.core  # one dependency only: for more the framework starts a task group in every request
    made: list[str] = []
    reward = _reward(core, data)

    def render(result: RequestResult) -> tuple[int, bytes]:
        made.append(str(result.payout_id))
        return 201 if result.verdict is RequestVerdict.ACCEPTED else 200, _encode(_receipt(core, reward, result))

    call = call_of(core, request.user, "payouts.create", idempotency_key, data)
    wanted = await _request(core, reward, data.quote_id)
    answer = await gathering.payouts.submit(Acceptance(call=call, request=wanted, render=render))
    if made:
        bind_contextvars(payout_id=made[-1])  # stands in this request's line of the log
    return answer_of(answer)


@get("/", guards=[Requires(Scope.READ_OWN)])
async def list_payouts(
    request: ApiRequest,
    core: Injected[Core],
    *,
    in_state: Annotated[PayoutState | None, QueryParameter(name="state")] = None,  # `state` is the framework's name
    campaign: FilterText = None,
    provider: FilterText = None,
    player_id: FilterText = None,
    reward_id: FilterText = None,
    batch_id: FromQuery[UUID | None] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> PayoutPage:
    """Payouts, newest first; with `read_own` alone, those of one's own making."""
    wanted = read.PayoutFilter(
        state=in_state,
        campaign=campaign,
        provider=provider,
        player_id=player_id,
        reward_id=reward_id,
        batch_id=batch_id,
        created_by=maker_seen_by(request.user),
    )
    found = await read.list_payouts(core, wanted, before=after_id(cursor), limit=limit + 1)
    rows, more = page_of(found, limit)
    return PayoutPage(
        payouts=[PayoutOut.of(core, view) for view in rows], next_cursor=cursor_at(rows[-1].id) if more else None
    )


@get("/{payout_id:uuid}", guards=[Requires(Scope.READ_OWN)])
async def read_payout(request: ApiRequest, core: Injected[Core], payout_id: FromPath[UUID]) -> PayoutDetail:
    """One payout with its attempts, observations and history; people's own words whole with `reveal` or `resolve`."""
    found = await read.read_history(core, payout_id)
    refuse_others(request.user, "payout", payout_id, found.payout.created_by)
    return PayoutDetail.of_history(core, found, whole=request.user.sees_words)


def _reward(core: Core, data: PayoutIn) -> RewardRow:
    cells = (
        data.reward_id,
        data.player_id,
        data.campaign,
        data.amount,
        data.asset,
        data.jurisdiction,
        data.destination_kind,
        data.destination,
        data.memo,
    )
    return validate_row(cells, core.config.row_rules())


async def _request(core: Core, reward: RewardRow, quote_id: UUID | None) -> PayoutRequest | RewardRailsError:
    if quote_id is None:
        return request_of(core, reward)
    try:
        return request_of(core, reward, quote=await quotes.pinned(core, quote_id, reward))
    except RewardRailsError as error:
        return error


def _receipt(core: Core, reward: RewardRow, result: RequestResult) -> PayoutReceipt:
    if result.payout_id is None or result.state is None:
        raise AssertionError("an accepted request has a payout")
    return PayoutReceipt(
        id=result.payout_id,
        verdict=result.verdict,
        state=result.state,
        campaign=reward.campaign,
        reward_id=reward.reward_id,
        asset=reward.asset,
        amount=format_amount(reward.amount_minor, core.config.assets[reward.asset].exponent),
        amount_minor=str(reward.amount_minor),
    )


router = Router("/v1/payouts", route_handlers=[create_payout, list_payouts, read_payout], tags=["Payouts"])
