"""Providers: what they can, whether they may, how they are."""

import asyncpg
from litestar import Router, get

from rewardrails.api.auth import Requires
from rewardrails.api.inject import Injected
from rewardrails.api.schemas.providers import CapabilitiesOut, HealthOut, ProviderList, ProviderOut, WaitingOut
from rewardrails.engine.core import Core
from rewardrails.security.keys import Scope
from rewardrails.store.sql import sql


@get("/", guards=[Requires(Scope.READ)])
async def list_providers(core: Injected[Core]) -> ProviderList:
    """Every configured provider."""
    async with core.database.reading() as connection:
        figures = {row["name"]: row for row in await connection.fetch(sql("provider_figures"))}
    return ProviderList(
        providers=[provider_out(core, name, figures[name]) for name in sorted(core.config.providers) if name in figures]
    )


def provider_out(core: Core, name: str, row: asyncpg.Record) -> ProviderOut:
    """One provider, from its settings, its adapter and its figures in the database.

    A provider that is off may have an adapter all the same: what it was given before is still followed.
    """
    settings = core.config.providers[name]
    provider = core.providers.get(name)
    return ProviderOut(
        name=name,
        type=settings.type,
        adapter=settings.adapter,
        environment=settings.environment,
        enabled=settings.enabled,
        why_disabled=None if settings.enabled else f"set [providers.{name}] enabled = true to switch it on",
        capabilities=CapabilitiesOut.of(provider.capabilities) if provider else None,
        health=HealthOut(
            broken=bool(row["broken"]),
            closed_until=row["closed_until"],
            failures=row["failures"],
            last_code=row["last_code"],
            last_ok_at=row["last_ok_at"],
            last_fail_at=row["last_fail_at"],
        ),
        waiting=WaitingOut(ready=row["ready"], sending=row["sending"], under_way=row["under_way"]),
    )


router = Router("/v1/providers", route_handlers=[list_providers], tags=["Providers"])
