"""The checkpoints of the sealed log, for whoever keeps copies of them elsewhere."""

from litestar import Router, get

from rewardrails.api.auth import Requires
from rewardrails.api.inject import Injected
from rewardrails.api.pagination import DEFAULT_LIMIT, Cursor, Limit, after_number, cursor_at
from rewardrails.api.schemas.audit import CheckpointOut, CheckpointPage
from rewardrails.engine.core import Core
from rewardrails.errors import NotFound
from rewardrails.events.checkpoint_store import after
from rewardrails.security.keys import Scope


@get("/checkpoints", guards=[Requires(Scope.READ)])
async def list_checkpoints(core: Injected[Core], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> CheckpointPage:
    """Signed checkpoints that this process can read, oldest first. An empty page gives the cursor back."""
    if core.audit is None:
        raise NotFound("this process keeps no checkpoints")
    reached = after_number(cursor)
    found = await after(core.audit.store, reached, limit)
    last = found[-1].number if found else reached
    return CheckpointPage(
        public_key=core.audit.key.public_key.hex(),
        checkpoints=[CheckpointOut.of(one) for one in found],
        next_cursor=cursor_at(last) if last else None,
    )


router = Router("/v1/audit", route_handlers=[list_checkpoints], tags=["Audit"])
