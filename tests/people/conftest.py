"""A running API per test, outside a test environment: there every page needs somebody too."""

from collections.abc import AsyncIterator, Iterator

import pytest

from rewardrails import clock
from tests.api.client import Api, SignedRail, running_api
from tests.api.conftest import MANUAL
from tests.support.people import EarlyInItsStep
from tests.support.scripted_rail import ScriptedRail, accept
from tests.support.season import CONFIG, opened_core

REAL = CONFIG.replace('environment = "test"', 'environment = "sandbox"')


@pytest.fixture(autouse=True)
def codes_last() -> Iterator[None]:
    """A code that a test makes is still the one of now when it arrives."""
    with clock.use(EarlyInItsStep()):
        yield


@pytest.fixture
def configured() -> str:
    """What a module adds to the configuration."""
    return ""


@pytest.fixture
async def api(database_dsn: str, configured: str) -> AsyncIterator[Api]:
    rails = [SignedRail("one"), ScriptedRail("two", accept), ScriptedRail("by-hand", accept, MANUAL)]
    async with opened_core(database_dsn, rails, config=REAL + configured) as core, running_api(core) as running:
        yield running
