"""The queue of the manual rails."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_once_outside, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.pagination import DEFAULT_LIMIT, Cursor, Limit, after_id, cursor_at, page_of
from rewardrails.api.schemas.manual import ManualAnswer, ManualOut, ManualPage, ProofIn, RefusalIn
from rewardrails.engine import manual
from rewardrails.engine.core import Core
from rewardrails.security.keys import Scope


@get("/", guards=[Requires(Scope.REVEAL)])
async def list_manual(core: Injected[Core], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> ManualPage:
    """Payouts that wait for a person's hands, oldest first, with their whole destinations."""
    rows, more = page_of(await manual.queue(core, limit=limit + 1, after=after_id(cursor)), limit)
    return ManualPage(
        items=[ManualOut.of(core, item) for item in rows],
        next_cursor=cursor_at(rows[-1].payout_id) if more else None,
    )


@post("/{payout_id:uuid}/settle", guards=[Requires(Scope.MANUAL)], status_code=200)
async def settle_manual(
    request: ApiRequest,
    core: Injected[Core],
    payout_id: FromPath[UUID],
    data: JSONBody[ProofIn],
    idempotency_key: IdempotencyKey,
) -> Response[ManualAnswer]:
    """Record that a person has paid it, with proof."""

    async def work() -> tuple[int, ManualAnswer]:
        state = await manual.settle(core, payout_id, proof=data.proof, actor=request.user.actor)
        return 200, ManualAnswer(payout_id=payout_id, state=state)

    call = call_of(core, request.user, "manual.settle", idempotency_key, payout_id, data)
    return await answer_once_outside(core, call, work)


@post("/{payout_id:uuid}/refuse", guards=[Requires(Scope.MANUAL)], status_code=200)
async def refuse_manual(
    request: ApiRequest,
    core: Injected[Core],
    payout_id: FromPath[UUID],
    data: JSONBody[RefusalIn],
    idempotency_key: IdempotencyKey,
) -> Response[ManualAnswer]:
    """Record that nobody will pay it, with the reason; its money is released."""

    async def work() -> tuple[int, ManualAnswer]:
        state = await manual.refuse(core, payout_id, reason=data.reason, actor=request.user.actor)
        return 200, ManualAnswer(payout_id=payout_id, state=state)

    call = call_of(core, request.user, "manual.refuse", idempotency_key, payout_id, data)
    return await answer_once_outside(core, call, work)


router = Router("/v1/manual", route_handlers=[list_manual, settle_manual, refuse_manual], tags=["Manual queue"])
