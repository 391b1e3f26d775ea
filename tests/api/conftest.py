"""One running API per test, on a database of its own."""

from collections.abc import AsyncIterator
from dataclasses import replace

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
