"""A running API per test."""

from collections.abc import AsyncIterator

import pytest

from tests.api.client import Api, SignedRail, running_api
from tests.support.season import opened_core


@pytest.fixture
async def api(database_dsn: str) -> AsyncIterator[Api]:
    """With one rail."""
    async with opened_core(database_dsn, [SignedRail("one")]) as core, running_api(core) as running:
        yield running
