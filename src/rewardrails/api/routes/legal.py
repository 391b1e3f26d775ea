"""The legal register."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_once, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.schemas.legal import LegalApprovalIn, LegalApprovalOut, LegalRegister, RevocationIn
from rewardrails.engine import legal
from rewardrails.engine.core import Core
from rewardrails.security.keys import Scope
from rewardrails.store.database import Connection


@post("/", guards=[Requires(Scope.COMPLY)], status_code=201)
async def record_legal_approval(
    request: ApiRequest, core: Injected[Core], data: JSONBody[LegalApprovalIn], idempotency_key: IdempotencyKey
) -> Response[LegalApprovalOut]:
    """Record a legal approval; it allows nothing until a second key confirms it."""
    new = data.new(core)

    async def work(tx: Connection) -> tuple[int, LegalApprovalOut]:
        return 201, LegalApprovalOut.of(core, await legal.record_within(core, tx, new, actor=request.user.actor))

    return await answer_once(core, call_of(core, request.user, "legal_approvals.record", idempotency_key, data), work)


@get("/", guards=[Requires(Scope.READ)])
async def list_legal_approvals(core: Injected[Core]) -> LegalRegister:
    """Every approval there ever was, newest first."""
    return LegalRegister(legal_approvals=[LegalApprovalOut.of(core, one) for one in await legal.register(core)])


@post("/{approval_id:uuid}/confirm", guards=[Requires(Scope.COMPLY)], status_code=200)
async def confirm_legal_approval(
    request: ApiRequest, core: Injected[Core], approval_id: FromPath[UUID], idempotency_key: IdempotencyKey
) -> Response[LegalApprovalOut]:
    """Put an approval in force; whoever recorded it cannot. Payouts that waited for it are judged again."""

    async def work(tx: Connection) -> tuple[int, LegalApprovalOut]:
        return 200, LegalApprovalOut.of(core, await legal.confirm_within(tx, approval_id, actor=request.user.actor))

    return await answer_once(
        core, call_of(core, request.user, "legal_approvals.confirm", idempotency_key, approval_id), work
    )


@post("/{approval_id:uuid}/revoke", guards=[Requires(Scope.COMPLY)], status_code=200)
async def revoke_legal_approval(
    request: ApiRequest,
    core: Injected[Core],
    approval_id: FromPath[UUID],
    data: JSONBody[RevocationIn],
    idempotency_key: IdempotencyKey,
) -> Response[LegalApprovalOut]:
    """End an approval at once: nothing is sent under it after the answer. One key is enough."""

    async def work(tx: Connection) -> tuple[int, LegalApprovalOut]:
        ended = await legal.revoke_within(tx, approval_id, reason=data.reason, actor=request.user.actor)
        return 200, LegalApprovalOut.of(core, ended)

    call = call_of(core, request.user, "legal_approvals.revoke", idempotency_key, approval_id, data)
    return await answer_once(core, call, work)


router = Router(
    "/v1/legal-approvals",
    route_handlers=[record_legal_approval, list_legal_approvals, confirm_legal_approval, revoke_legal_approval],
    tags=["Legal register"],
)
