"""Pause switches."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_once, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.schemas.pauses import PauseIn, PauseList, PauseOut
from rewardrails.engine import pauses
from rewardrails.engine.core import Core
from rewardrails.security.keys import Scope
from rewardrails.store.database import Connection


@post("/", guards=[Requires(Scope.PAUSE)], status_code=201)
async def create_pause(
    request: ApiRequest, core: Injected[Core], data: JSONBody[PauseIn], idempotency_key: IdempotencyKey
) -> Response[PauseOut]:
    """Stop sending or accepting: everything, a provider, a campaign or a player. Pausing again answers the first pause."""

    async def work(tx: Connection) -> tuple[int, PauseOut]:
        made = await pauses.pause_within(
            core,
            tx,
            scope=data.scope,
            subject=data.subject,
            reason=data.reason,
            actor=request.user.actor,
            stops=data.stops,
        )
        return 201, PauseOut.of(made)

    return await answer_once(core, call_of(core, request.user, "pauses.create", idempotency_key, data), work)


@get("/", guards=[Requires(Scope.READ)])
async def list_pauses(core: Injected[Core]) -> PauseList:
    """Every pause in force."""
    return PauseList(pauses=[PauseOut.of(pause) for pause in await pauses.active(core)])


@post("/{pause_id:uuid}/lift", guards=[Requires(Scope.PAUSE)], status_code=200)
async def lift_pause(
    request: ApiRequest, core: Injected[Core], pause_id: FromPath[UUID], idempotency_key: IdempotencyKey
) -> Response[PauseOut]:
    """Let things go on."""

    async def work(tx: Connection) -> tuple[int, PauseOut]:
        return 200, PauseOut.of(await pauses.lift_within(tx, pause_id=pause_id, actor=request.user.actor))

    return await answer_once(core, call_of(core, request.user, "pauses.lift", idempotency_key, pause_id), work)


router = Router("/v1/pauses", route_handlers=[create_pause, list_pauses, lift_pause], tags=["Pauses"])
