"""What people do to single payouts."""

from uuid import UUID

from litestar import Response, Router, post
from litestar.params import FromPath, JSONBody

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_once, answer_once_outside, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.schemas.payouts import DestinationIn, HoldIn, PayoutOut, ReleaseIn, ResolutionIn, ResolutionOut
from rewardrails.domain.destination import parse_destination
from rewardrails.engine import operate, read
from rewardrails.engine.core import Core
from rewardrails.engine.resolve import resolve_within
from rewardrails.errors import ErrorCode, FieldInvalid, RewardRailsError
from rewardrails.security.keys import Scope
from rewardrails.store.database import Connection


@post("/cancel", guards=[Requires(Scope.OPERATE)], status_code=200)
async def cancel_payout(
    request: ApiRequest, core: Injected[Core], payout_id: FromPath[UUID], idempotency_key: IdempotencyKey
) -> Response[PayoutOut]:
    """Stop a payout: at once while nothing was sent, through its rail afterwards."""

    async def work() -> tuple[int, PayoutOut]:
        await operate.cancel(core, payout_id, actor=request.user.actor)
        return 200, PayoutOut.of(core, await read.read_payout(core, payout_id))

    return await answer_once_outside(
        core, call_of(core, request.user, "payouts.cancel", idempotency_key, payout_id), work
    )


@post("/retry", guards=[Requires(Scope.OPERATE)], status_code=200)
async def retry_payout(
    request: ApiRequest, core: Injected[Core], payout_id: FromPath[UUID], idempotency_key: IdempotencyKey
) -> Response[PayoutOut]:
    """Send a failed or returned payout again. An unknown outcome is resolved, never retried."""

    async def work(tx: Connection) -> tuple[int, PayoutOut]:
        await operate.retry_within(core, tx, payout_id, actor=request.user.actor)
        return await _now(core, tx, payout_id)

    return await answer_once(core, call_of(core, request.user, "payouts.retry", idempotency_key, payout_id), work)


@post("/hold", guards=[Requires(Scope.HOLD)], status_code=200)
async def hold_payout(
    request: ApiRequest,
    core: Injected[Core],
    payout_id: FromPath[UUID],
    data: JSONBody[HoldIn],
    idempotency_key: IdempotencyKey,
) -> Response[PayoutOut]:
    """Keep a payout from being sent until somebody releases it."""

    async def work(tx: Connection) -> tuple[int, PayoutOut]:
        await operate.hold_within(core, tx, payout_id, cause=data.cause, actor=request.user.actor)
        return await _now(core, tx, payout_id)

    return await answer_once(core, call_of(core, request.user, "payouts.hold", idempotency_key, payout_id, data), work)


@post("/release", guards=[Requires(Scope.RELEASE)], status_code=200)
async def release_payout(
    request: ApiRequest,
    core: Injected[Core],
    payout_id: FromPath[UUID],
    idempotency_key: IdempotencyKey,
    data: JSONBody[ReleaseIn | None] = None,
) -> Response[PayoutOut]:
    """Let a held payout go on, if every gate agrees; one without a route looks for one first.

    A person may overrule cooling-off, limits, shared destinations, risk and what a list named once: each by its name, with a
    reason, and nobody for what they had a hand in.
    """
    reason, overrules = (data.reason, data.overrules) if data else ("", [])

    async def work(tx: Connection) -> tuple[int, PayoutOut]:
        actor = request.user.actor
        await operate.release_hold_within(core, tx, payout_id, actor=actor, reason=reason, overrules=overrules)
        return await _now(core, tx, payout_id)

    said = (data,) if data else ()
    return await answer_once(
        core, call_of(core, request.user, "payouts.release", idempotency_key, payout_id, *said), work
    )


@post("/destination", guards=[Requires(Scope.OPERATE)], status_code=200)
async def correct_destination(
    request: ApiRequest,
    core: Injected[Core],
    payout_id: FromPath[UUID],
    data: JSONBody[DestinationIn],
    idempotency_key: IdempotencyKey,
) -> Response[PayoutOut]:
    """Give an unsent, failed or returned payout another destination of the same kind."""
    rules = core.config.row_rules()
    for name, cell in (("destination", data.destination), ("memo", data.memo)):
        if len(cell) > rules.max_field_length:
            raise FieldInvalid(f"{name} is longer than {rules.max_field_length} characters", field=name)

    async def work(tx: Connection) -> tuple[int, PayoutOut]:
        payout = await read.read_payout_within(core, tx, payout_id)
        kind = payout.destination.kind
        if kind not in rules.kinds:
            raise RewardRailsError(
                f"the destination kind {kind!r} is not configured any more", code=ErrorCode.DESTINATION_UNSUPPORTED
            )
        destination = parse_destination(
            rules.kinds[kind].parser, kind=kind, text=data.destination, memo=data.memo, network=rules.network
        )
        await operate.correct_destination_within(core, tx, payout_id, destination, actor=request.user.actor)
        return await _now(core, tx, payout_id)

    return await answer_once(
        core, call_of(core, request.user, "payouts.destination", idempotency_key, payout_id, data), work
    )


@post("/resolve", guards=[Requires(Scope.RESOLVE)], status_code=200)
async def resolve_payout(
    request: ApiRequest,
    core: Injected[Core],
    payout_id: FromPath[UUID],
    data: JSONBody[ResolutionIn],
    idempotency_key: IdempotencyKey,
) -> Response[ResolutionOut]:
    """Say with evidence how an unknown outcome ended; it counts once a second key has said the same."""

    async def work(tx: Connection) -> tuple[int, ResolutionOut]:
        made = await resolve_within(
            core,
            tx,
            payout_id,
            outcome=data.outcome,
            evidence=data.evidence,
            actor=request.user.actor,
            authenticated_at=request.user.authenticated_at,
        )
        return 200, ResolutionOut.of(made)

    return await answer_once(
        core, call_of(core, request.user, "payouts.resolve", idempotency_key, payout_id, data), work
    )


async def _now(core: Core, tx: Connection, payout_id: UUID) -> tuple[int, PayoutOut]:
    return 200, PayoutOut.of(core, await read.read_payout_within(core, tx, payout_id))


router = Router(
    "/v1/payouts/{payout_id:uuid}",
    route_handlers=[cancel_payout, retry_payout, hold_payout, release_payout, correct_destination, resolve_payout],
    tags=["Payouts"],
)
