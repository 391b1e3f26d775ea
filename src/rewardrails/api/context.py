"""What every request gets before anybody looks at it: an id, a line in the log, its figures."""

from collections.abc import Mapping
from uuid import UUID

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from rewardrails import clock, ids
from rewardrails.api.patience import patient
from rewardrails.engine.refusals import Attempted, Refusals
from rewardrails.errors import RewardRailsError
from rewardrails.observability import metrics
from rewardrails.security.caller import Caller
from rewardrails.store import origin

REQUEST_ID = "X-Request-Id"
SLOW_SECONDS = 1.0
log = structlog.get_logger(__name__)


class RequestContext:
    """ASGI middleware around everything else. Ids are ours: one that a caller sends is not believed."""

    def __init__(self, app: ASGIApp, refusals: Refusals) -> None:
        self._app = app
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = ids.new_id().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = clock.monotonic(), 500

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                if "refused" in scope["state"]:
                    await self._tell_refusal(scope)
                status = message["status"]
                MutableScopeHeaders.from_message(message)[REQUEST_ID] = request_id
            await send(message)

        with bound_contextvars(request_id=request_id), origin.coming_from(origin.of_request(request_id)):
            try:
                await self._app(scope, patient(receive), noting_send)
            finally:
                self._note(scope, status, clock.monotonic() - started)

    async def _tell_refusal(self, scope: HTTPScope) -> None:
        """Before the answer goes out, so that whoever hears of a refusal is in the log.

        Reading is not told, but for what takes more than the right to read: whole destinations, keys and people.
        """
        error: RewardRailsError = scope["state"].pop("refused")
        actor = scope["state"].get("refused_actor") or getattr(scope.get("user"), "actor", None)
        harmless = scope["method"] in ("GET", "HEAD", "OPTIONS") and scope["state"].get("is_plain_reading", True)
        if actor is None or harmless:
            return
        in_address: Mapping[str, object] = scope.get("path_params", {})
        named = [str(value) for value in in_address.values() if isinstance(value, UUID)]
        action = f"{scope['method']} {scope.get('path_template') or 'unknown'}"
        attempted = Attempted(actor=actor, action=action, object=named[0] if named else None)
        await self._refusals.tell(attempted, error)

    @staticmethod
    def _note(scope: HTTPScope, status: int, seconds: float) -> None:
        route = scope.get("path_template") or "unknown"
        method = scope["method"] if route != "unknown" else "any"
        metrics.count_request(method=method, route=route, status=status, seconds=seconds)
        tell = log.info if seconds >= SLOW_SECONDS or status >= 500 else log.debug
        tell(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            seconds=round(seconds, 4),
            **_concerned(scope),
        )


def _concerned(scope: HTTPScope) -> dict[str, str]:
    """Who asked, and the ids in the address; never other parts of it, which may name people."""
    in_address: Mapping[str, object] = scope.get("path_params", {})
    named = {name: str(value) for name, value in in_address.items() if isinstance(value, UUID)}
    key = scope.get("user")
    return named | ({"actor": key.actor} if isinstance(key, Caller) else {})
