"""Worlds to live in, at fake providers that serve all tests of a module."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.steps.shops import Shops
from tests.steps.world import World, a_world

WorldAt = Callable[[str], AbstractAsyncContextManager[World]]


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    """One fake provider per profile, started when it is first asked for."""
    opened = Shops(tmp_path_factory.mktemp("shops"))
    yield opened
    opened.close()


@pytest.fixture
def world_at(tmp_path: Path, database_dsn: str, shops: Shops) -> WorldAt:
    """Opens a world of this test's own, at the provider with the named profile."""
    return lambda profile: a_world(tmp_path, database_dsn, shops[profile])
