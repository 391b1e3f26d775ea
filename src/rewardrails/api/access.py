"""What each route and page needs: read off its guard, so that the table of roles is what is enforced."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from litestar import Litestar
from litestar.routes import ASGIRoute, HTTPRoute

from rewardrails.api.auth import OpenDoor, Requires
from rewardrails.security.scopes import Scope

DESCRIPTION = "/openapi.json"
OPEN: Mapping[str, str] = MappingProxyType(
    {
        "/healthz": "for machines that watch",
        "/readyz": "for machines that watch",
        "/metrics": "for machines that watch; keep it inside the network",
        DESCRIPTION: "the description of the API",
        "/v1/webhooks": "a provider's signature stands in for a key",
    }
)
"""What is open to everybody without a guard, and why."""
_ADDED = frozenset({"OPTIONS", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteNeeds:
    """A route's row. `known` says that the caller must be known at all; `scope` what they must have besides."""

    method: str
    path: str
    known: bool
    scope: Scope | None = None

    @property
    def is_page(self) -> bool:
        """Whether it is for people's browsers."""
        return not self.path.startswith("/v1/") and self.path not in OPEN


def route_needs(app: Litestar) -> list[RouteNeeds]:
    """Every route's row, by path. Raises `LookupError` for one that says nothing."""
    return sorted(_rows(app), key=lambda row: (row.path, row.method))


def _rows(app: Litestar) -> Iterator[RouteNeeds]:
    for route in app.routes:
        if isinstance(route, ASGIRoute):
            yield _open("POST", route.path)
        elif isinstance(route, HTTPRoute) and not route.path.startswith(f"{DESCRIPTION}/"):  # the framework's spellings
            for method, (handler, _) in route.route_handler_map.items():
                if method not in _ADDED:
                    yield _row(str(method), route.path_format, handler.resolve_guards())


def _row(method: str, path: str, guards: object) -> RouteNeeds:
    match list(guards) if isinstance(guards, list | tuple) else guards:
        case [Requires() as guard]:
            return RouteNeeds(method=method, path=path, known=True, scope=guard.scope)
        case [OpenDoor()]:
            return RouteNeeds(method=method, path=path, known=False)
        case _:
            return _open(method, path)


def _open(method: str, path: str) -> RouteNeeds:
    if path not in OPEN:
        raise LookupError(f"{method} {path} does not say what it needs: give it a guard, Requires(...)")
    return RouteNeeds(method=method, path=path, known=False)
