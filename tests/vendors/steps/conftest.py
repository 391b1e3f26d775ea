"""Worlds at vendors' doubles, which serve all tests of a module."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path

import pytest

from tests.steps.world import World, a_world
from tests.vendors.hosted import Hosted
from tests.vendors.steps.shop import VendorShop
from tests.vendors.vendors import VENDORS

WorldAt = Callable[[str], AbstractAsyncContextManager[World]]


@pytest.fixture(scope="module")
def doubles() -> Iterator[Callable[[str], Hosted]]:
    """One double per vendor, started when it is first asked for."""
    opened: dict[str, Hosted] = {}
    with ExitStack() as stack:

        def double_of(name: str) -> Hosted:
            if name not in opened:
                opened[name] = stack.enter_context(Hosted(VENDORS[name]))
            return opened[name]

        yield double_of


@pytest.fixture
def world_at(tmp_path: Path, database_dsn: str, doubles: Callable[[str], Hosted]) -> WorldAt:
    """Opens a world of this test's own, at the named vendor."""
    return lambda name: a_world(tmp_path, database_dsn, VendorShop(hosted=doubles(name)))
