"""One running API per test with two rails that send signed notices, on a database of its own."""

from collections.abc import AsyncIterator

import pytest

from tests.api.client import running_api
from tests.support.season import opened_core
from tests.webhooks.door import Door
from tests.webhooks.wire_rail import WireRail


@pytest.fixture
def rails() -> list[WireRail]:
    """Rails `one` and `two`."""
    return [WireRail("one"), WireRail("two")]


@pytest.fixture
async def door(database_dsn: str, rails: list[WireRail]) -> AsyncIterator[Door]:
    """The providers' door, with one order sent to rail `one`."""
    async with opened_core(database_dsn, rails) as core, running_api(core) as api:
        yield await Door.opened(api, *rails)
