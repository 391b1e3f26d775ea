"""One running API per test, on a database of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import asyncpg
import pytest

from rewardrails.providers.capabilities import ProviderType
from tests.api.client import Api, SignedRail, running_api
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, accept
from tests.support.season import opened_core

MANUAL = replace(CAPABILITIES, provider_type=ProviderType.MANUAL)


@pytest.fixture
async def api(database_dsn: str) -> AsyncIterator[Api]:
    rails = [SignedRail("one"), ScriptedRail("two", accept), ScriptedRail("by-hand", accept, MANUAL)]
    async with opened_core(database_dsn, rails) as core, running_api(core) as running:
        yield running


@pytest.fixture
def owner_sql(database_dsn: str) -> Callable[[str], Awaitable[None]]:
    """Runs a statement as the owner of the tables."""

    async def run(statement: str) -> None:
        connection = await asyncpg.connect(database_dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    return run
