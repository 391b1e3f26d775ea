"""API keys."""

from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from rewardrails.api.auth import ApiRequest, KeyRing, Requires
from rewardrails.api.inject import Injected
from rewardrails.api.schemas.keys import KeyIn, KeyList, KeyOut, NewKey
from rewardrails.engine.core import Core
from rewardrails.security import keys
from rewardrails.security.keys import Scope


@post("/", guards=[Requires(Scope.PEOPLE)], status_code=201)
async def create_key(request: ApiRequest, core: Injected[Core], data: JSONBody[KeyIn]) -> NewKey:
    """Make a key; its token is in this answer and nowhere else. Not idempotent: a stored answer would store the token."""
    keys.require_grantable(request.user, frozenset(data.scopes))
    key, token = await keys.create_key(
        core.database, core.vault, name=data.name, scopes=frozenset(data.scopes), actor=request.user.actor
    )
    return NewKey(id=key.id, name=key.name, scopes=sorted(key.scopes), token=token.reveal())


@get("/", guards=[Requires(Scope.AUDIT)])
async def list_keys(core: Injected[Core]) -> KeyList:
    """Every key, without tokens."""
    return KeyList(keys=[KeyOut.of(key) for key in await keys.list_keys(core.database)])


@post("/{key_id:uuid}/revoke", guards=[Requires(Scope.PEOPLE)], status_code=204)
async def revoke_key(
    request: ApiRequest, core: Injected[Core], key_ring: Injected[KeyRing], key_id: FromPath[UUID]
) -> None:
    """Make a key useless: here at once, in other processes within a few seconds."""
    await keys.revoke_key(core.database, key_id, actor=request.user.actor)
    key_ring.forget()


router = Router("/v1/keys", route_handlers=[create_key, list_keys, revoke_key], tags=["Keys"])
