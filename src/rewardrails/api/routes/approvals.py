"""Approval of payouts by people who did not create them."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_once, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.schemas.approvals import (
    ApprovalAnswer,
    ApprovalIn,
    BatchApprovalAnswer,
    BatchApprovalIn,
    WaitingOut,
    WaitingTotals,
)
from rewardrails.engine import approve, batches
from rewardrails.engine.core import Core
from rewardrails.security.keys import Scope
from rewardrails.store.database import Connection


@get("/v1/approvals", guards=[Requires(Scope.READ)])
async def list_waiting(core: Injected[Core], batch_id: FromQuery[UUID | None] = None) -> WaitingTotals:
    """Totals of what waits for approval, of one batch or of everything."""
    if batch_id is not None:
        await batches.read_batch(core, batch_id)
    return WaitingTotals(waiting=[WaitingOut.of(core, one) for one in await approve.waiting(core, batch_id)])


@post("/v1/approvals", guards=[Requires(Scope.APPROVE)], status_code=200)
async def approve_payouts(
    request: ApiRequest, core: Injected[Core], data: JSONBody[ApprovalIn], idempotency_key: IdempotencyKey
) -> Response[ApprovalAnswer]:
    """Sign payouts off, at most 500; each goes on once enough people have, and never by its author's own word."""

    async def work(tx: Connection) -> tuple[int, ApprovalAnswer]:
        who = request.user
        stands = await approve.approve_within(
            core, tx, data.read(), actor=who.actor, authenticated_at=who.authenticated_at
        )
        return 200, ApprovalAnswer.of(stands)

    return await answer_once(core, call_of(core, request.user, "approvals.approve", idempotency_key, data), work)


@post("/v1/batches/{batch_id:uuid}/approve", guards=[Requires(Scope.APPROVE)], status_code=200)
async def approve_batch(
    request: ApiRequest,
    core: Injected[Core],
    batch_id: FromPath[UUID],
    data: JSONBody[BatchApprovalIn],
    idempotency_key: IdempotencyKey,
) -> Response[BatchApprovalAnswer]:
    """Sign off everything of a batch that waits, if it still is what the approver has seen."""
    seen = data.read(core)
    await batches.read_batch(core, batch_id)

    async def work(tx: Connection) -> tuple[int, BatchApprovalAnswer]:
        who = request.user
        approved = await approve.approve_batch_within(
            core, tx, batch_id, seen=seen, actor=who.actor, authenticated_at=who.authenticated_at
        )
        return 200, BatchApprovalAnswer.of(core, batch_id, approved, await approve.waiting_within(tx, batch_id))

    return await answer_once(
        core, call_of(core, request.user, "approvals.batch", idempotency_key, batch_id, data), work
    )


router = Router("/", route_handlers=[list_waiting, approve_payouts, approve_batch], tags=["Approvals"])
