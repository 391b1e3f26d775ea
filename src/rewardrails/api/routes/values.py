"""Giving out a payout's code or link. The answer is stored nowhere: a repeat is refused, whatever key it carries."""

from uuid import UUID

from litestar import Response, Router, post
from litestar.params import FromPath, JSONBody

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_once, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.own import maker_seen_by
from rewardrails.api.schemas.values import ReissueIn, RevealIn, ValueOut, ValueStandingOut
from rewardrails.engine import values
from rewardrails.engine.core import Core
from rewardrails.engine.values import RevealCall
from rewardrails.security.keys import Scope
from rewardrails.store.database import Connection


@post("/", guards=[Requires(Scope.COLLECT)], status_code=200)
async def reveal_value(
    request: ApiRequest, core: Injected[Core], payout_id: FromPath[UUID], data: JSONBody[RevealIn]
) -> Response[ValueOut]:
    """Take a payout's code or link, once, to show it to its player: keep it until they have seen it."""
    call = RevealCall(
        payout_id=payout_id,
        player_id=data.player_id,
        actor=request.user.actor,
        made_by=maker_seen_by(request.user),
    )
    return Response(ValueOut.of(await values.reveal(core, call)), headers={"Cache-Control": "no-store"})


@post("/reissue", guards=[Requires(Scope.REISSUE)], status_code=200)
async def reissue_value(
    request: ApiRequest,
    core: Injected[Core],
    payout_id: FromPath[UUID],
    data: JSONBody[ReissueIn],
    idempotency_key: IdempotencyKey,
) -> Response[ValueStandingOut]:
    """Let a code or link be given once more because the first answer was lost; you do not see it."""

    async def work(tx: Connection) -> tuple[int, ValueStandingOut]:
        found = await values.reissue_within(core, tx, payout_id, reason=data.reason, actor=request.user.actor)
        return 200, ValueStandingOut.of(found)

    call = call_of(core, request.user, "values.reissue", idempotency_key, payout_id, data)
    return await answer_once(core, call, work)


router = Router("/v1/payouts/{payout_id:uuid}/value", route_handlers=[reveal_value, reissue_value], tags=["Payouts"])
