"""The API as one Litestar application on one `Core`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp, Receive, Scope, Send

import rewardrails
from rewardrails.api import openapi, problems
from rewardrails.api.auth import KeyRing
from rewardrails.api.body import MAX_JSON_BYTES, JsonBody
from rewardrails.api.context import RequestContext
from rewardrails.api.doors import Doors
from rewardrails.api.gathering import Gathering
from rewardrails.api.routes import (
    address_lists,
    approvals,
    audit,
    batches,
    events,
    health,
    holds,
    keys,
    legal,
    manual,
    oidc,
    operations,
    pauses,
    payouts,
    players,
    pools,
    providers,
    quotes,
    rates,
    reconciliations,
    sessions,
    status,
    webhooks,
)
from rewardrails.engine.core import Core
from rewardrails.engine.refusals import Refusals

_API = OpenAPIConfig(
    title="RewardRails",
    version=rewardrails.__version__,
    description="Pays game rewards out over interchangeable rails, exactly once.",
    use_handler_docstrings=True,
    path="/openapi.json",
    render_plugins=[openapi.Description()],
    components=Components(
        security_schemes={
            "ApiKey": SecurityScheme(
                type="http", scheme="bearer", description="An API key (rr_...) or a session's token (rs_...)"
            )
        }
    ),
    security=[{"ApiKey": []}],
)
ROUTERS = (
    address_lists.router,
    approvals.router,
    audit.router,
    batches.router,
    events.router,
    holds.router,
    keys.router,
    legal.router,
    manual.router,
    oidc.router,
    operations.router,
    pauses.router,
    payouts.router,
    players.router,
    pools.router,
    providers.router,
    quotes.router,
    rates.router,
    reconciliations.router,
    sessions.router,
)
OPEN_ROUTES = (health.alive, health.ready, health.figures, status.status_page, webhooks.receive_webhook)


def create_app(core: Core) -> Litestar:
    """The API on `core`; whoever makes `core` closes it, after the application has shut down."""
    gathering = Gathering.of(core)
    key_ring = KeyRing(core)
    doors = Doors(core)

    @asynccontextmanager
    async def draining(_: Litestar) -> AsyncIterator[None]:
        yield
        await gathering.drain()
        await doors.close()

    app = Litestar(
        route_handlers=[*ROUTERS, *OPEN_ROUTES],
        dependencies={
            "core": Provide(lambda: core, sync_to_thread=False),
            "doors": Provide(lambda: doors, sync_to_thread=False),
            "gathering": Provide(lambda: gathering, sync_to_thread=False),
            "key_ring": Provide(lambda: key_ring, sync_to_thread=False),
        },
        dto=JsonBody,
        return_dto=None,
        exception_handlers={Exception: problems.refuse},
        lifespan=[draining],
        openapi_config=_API,
        request_max_body_size=MAX_JSON_BYTES,
        state=State({"core": core, "key_ring": key_ring, "gathering": gathering}),
        logging_config=None,
    )
    # Around the router too, so that a request to no route at all has its id as well.
    app.asgi_handler = RequestContext(_busiest_first(app.asgi_handler), Refusals(core))
    return app


def _busiest_first(router: ASGIApp) -> ASGIApp:
    """Notices go straight to their door: it answers every fault itself, and the router costs a fifth of their time."""
    door = webhooks.receive_webhook.fn

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        notice = scope["type"] == ScopeType.HTTP and scope["path"].startswith(f"{webhooks.PATH}/")
        await (door if notice else router)(scope, receive, send)

    return handle
