"""Who is calling, and whether they may: API keys with scopes, one guard per route."""

import re
from dataclasses import dataclass

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers.base import BaseRouteHandler

from rewardrails import clock
from rewardrails.config import Environment
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid, Unauthorized
from rewardrails.security import keys
from rewardrails.security.keys import ApiKey, Scope

ApiRequest = Request[ApiKey, None, State]
"""A request whose guard has let it through; its `user` is the key."""
CACHE_SECONDS = 3.0
"""How long a revoked key may still be believed by a process that has just seen it."""
CACHED_KEYS = 1024
_token = re.compile(rf"{keys.PREFIX}[A-Za-z0-9_-]{{20,100}}").fullmatch
_NEEDS_KEY = "this needs a valid API key: send it as 'Authorization: Bearer rr_...'"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    key: ApiKey
    until: float


class KeyRing:
    """Looks up API keys, remembering a few of them for `CACHE_SECONDS`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: dict[bytes, _Known] = {}

    async def authenticate(self, authorization: str | None) -> ApiKey:
        """The key an `Authorization` header names. Raises `Unauthorized`."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not _token(token):
            raise Unauthorized(_NEEDS_KEY)
        digest = self._core.vault.api_key_digest(token.encode())
        known = self._known.get(digest)
        if known is not None and known.until > clock.monotonic():
            return known.key
        self._known.pop(digest, None)
        key = await keys.authenticate(self._core.database, self._core.vault, token)
        if len(self._known) >= CACHED_KEYS:
            self._known.clear()
        self._known[digest] = _Known(key=key, until=clock.monotonic() + CACHE_SECONDS)
        return key

    def forget(self) -> None:
        """Look every key up anew; called when one was revoked here."""
        self._known.clear()


@dataclass(frozen=True, slots=True)
class Requires:
    """A route's guard: the caller must hold a key with `scope`; the key is then `request.user`.

    With `open_in_test` the route is open where the configuration says `environment = "test"`.
    """

    scope: Scope
    open_in_test: bool = False

    async def __call__(self, connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]
        """Let the request through. Raises `Unauthorized`, `Forbidden`, `FieldInvalid` for an unknown query parameter."""
        core: Core = connection.app.state.core
        if not (self.open_in_test and core.config.environment is Environment.TEST):
            ring: KeyRing = connection.app.state.key_ring
            key = await ring.authenticate(connection.headers.get("authorization"))
            connection.scope["user"] = key
            key.require(self.scope)
        _refuse_unknown_query(connection, handler)
        encoding = connection.headers.get("content-encoding", "identity")
        if encoding != "identity":
            raise FieldInvalid("send the body as it is: compressed bodies are not taken", field="Content-Encoding")


def _refuse_unknown_query(connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]
    """A misspelt filter must not answer more than was asked for."""
    if not connection.scope["query_string"]:
        return
    known = {
        getattr(field.kwarg_definition, "name", None) or name
        for name, field in handler.parsed_fn_signature.parameters.items()
    }
    seen = set()
    for name, _ in connection.query_params.multi_items():
        if name not in known:
            shown = name if name.isprintable() and len(name) <= 100 else "query"
            raise FieldInvalid(f"{shown}: there is no such parameter here", field=shown)
        if name in seen:
            raise FieldInvalid(f"{name}: give it once", field=name)
        seen.add(name)
