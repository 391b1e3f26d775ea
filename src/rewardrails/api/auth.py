"""Who is calling, and whether they may: API keys and people's sessions, one guard per route."""

import hmac
import re
from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers.base import BaseRouteHandler

from rewardrails import clock
from rewardrails.config import Environment
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid, Forbidden, Unauthorized
from rewardrails.security import keys, sessions
from rewardrails.security.caller import Caller
from rewardrails.security.scopes import Scope

ApiRequest = Request[Caller, None, State]
"""A request whose guard has let it through; its `user` is the caller."""
CACHE_SECONDS = 3.0
"""How long a revoked key may still be believed by a process that has just seen it; sessions are looked up each time."""
CACHED_KEYS = 1024
COOKIE = "__Host-rr_session"
CSRF_HEADER = "X-CSRF-Token"
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
_PLAIN = frozenset({Scope.READ, Scope.READ_OWN})
_token = re.compile(rf"({keys.PREFIX}|{sessions.PREFIX})[A-Za-z0-9_-]{{20,100}}").fullmatch
_NEEDS_TOKEN = "this needs a valid API key or session: send it as 'Authorization: Bearer rr_...' or 'rs_...'"  # noqa: S105 - words
AnyConnection = ASGIConnection[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    key: Caller
    until: float


class KeyRing:
    """Looks up callers, remembering a few API keys for `CACHE_SECONDS`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: dict[bytes, _Known] = {}

    async def authenticate(self, connection: AnyConnection) -> Caller:
        """The caller that an `Authorization` header names, or else a page's cookie. Raises `Unauthorized`, `Forbidden`."""
        authorization = connection.headers.get("authorization")
        if authorization is None and COOKIE in connection.cookies:
            return await self._of_page(connection)
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not _token(token):
            raise Unauthorized(_NEEDS_TOKEN)
        if token.startswith(sessions.PREFIX):
            return await sessions.authenticate(self._core.database, self._core.vault, token)
        return await self._of_key(token)

    def forget(self) -> None:
        """Look every key up anew; called when one was revoked here."""
        self._known.clear()

    async def _of_key(self, token: str) -> Caller:
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

    async def _of_page(self, connection: AnyConnection) -> Caller:
        """A browser sends a cookie by itself, also when another site makes it; a change must show that our page asked."""
        token = connection.cookies[COOKIE]
        if not token.startswith(sessions.PREFIX) or not _token(token):
            raise Unauthorized(_NEEDS_TOKEN)
        caller = await sessions.authenticate(self._core.database, self._core.vault, token)
        if connection.scope["method"] not in _HARMLESS:  # type: ignore[typeddict-item] # HTTP alone comes here
            sent = connection.headers.get(CSRF_HEADER, "")
            if caller.session_id is None or not hmac.compare_digest(
                sessions.csrf_token(self._core.vault, caller.session_id).encode(), sent.encode("utf-8", "replace")
            ):
                raise Forbidden(f"a change with a cookie needs {CSRF_HEADER}: GET /v1/me tells it")
        return caller


@dataclass(frozen=True, slots=True)
class Requires:
    """A route's guard: the caller must have `scope` (None: be known at all); the caller is then `request.user`.

    With `open_in_test` the route is open where the configuration says `environment = "test"`.
    """

    scope: Scope | None
    open_in_test: bool = False

    async def __call__(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        """Let the request through. Raises `Unauthorized`, `Forbidden`, `FieldInvalid` for an unknown query parameter."""
        core: Core = connection.app.state.core
        if not (self.open_in_test and core.config.environment is Environment.TEST):
            ring: KeyRing = connection.app.state.key_ring
            caller = await ring.authenticate(connection)
            connection.scope["user"] = caller
            if self.scope is not None:
                connection.scope.setdefault("state", {})["is_plain_reading"] = self.scope in _PLAIN
                caller.require(self.scope)
        _refuse_unknown_query(connection, handler)
        _refuse_encoded(connection)


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """The guard of a route by which people come in: anybody may knock. `any_query` where others choose the parameters."""

    any_query: bool = False

    async def __call__(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        """Let the request through. Raises `FieldInvalid` for an unknown query parameter."""
        if not self.any_query:
            _refuse_unknown_query(connection, handler)
        _refuse_encoded(connection)


def address_of(connection: AnyConnection) -> str | None:
    """Where a request comes from, as far as the socket tells."""
    return connection.client.host if connection.client else None


def _refuse_encoded(connection: AnyConnection) -> None:
    if connection.headers.get("content-encoding", "identity") != "identity":
        raise FieldInvalid("send the body as it is: compressed bodies are not taken", field="Content-Encoding")


def _refuse_unknown_query(connection: AnyConnection, handler: BaseRouteHandler) -> None:
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
