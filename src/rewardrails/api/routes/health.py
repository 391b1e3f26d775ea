"""For machines that watch: alive, ready, figures."""

from typing import Literal

import asyncpg
from litestar import Response, get

from rewardrails.api.inject import Injected
from rewardrails.api.schemas.common import Out
from rewardrails.engine.core import Core
from rewardrails.events.audit import unsigned
from rewardrails.observability import metrics
from rewardrails.store import schema
from rewardrails.store.sql import sql


class Alive(Out):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(Out):
    """Whether requests can be served, and if not, why."""

    status: Literal["ready", "not_ready"]
    reason: str | None = None


@get("/healthz", tags=["Health"])
async def alive() -> Alive:
    """The process is alive; says nothing of the database."""
    return Alive()


@get("/readyz", tags=["Health"])
async def ready(core: Injected[Core]) -> Response[Readiness]:
    """The database answers and has the tables of this version."""
    try:
        async with core.database.reading() as connection:
            current = await connection.fetchval(sql("schema_version"))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return Response(Readiness(status="not_ready", reason="the database does not answer"), status_code=503)
    if current != schema.REVISION:
        return Response(Readiness(status="not_ready", reason="the database is of another version"), status_code=503)
    return Response(Readiness(status="ready"))


@get("/metrics", include_in_schema=False)
async def figures(core: Injected[Core]) -> Response[bytes]:
    """Figures for Prometheus: counts only, no names of people, no amounts."""
    return Response(await metrics.exposition(core.database, await _unsigned(core)), media_type=metrics.CONTENT_TYPE)


async def _unsigned(core: Core) -> dict[str, float]:
    if core.audit is None:
        return {}
    found = await unsigned(core.database, core.audit)
    return {
        "rewardrails_audit_unsigned_events": found.events,
        "rewardrails_audit_unsigned_oldest_seconds": found.oldest_seconds,
    }
