"""A worker is stopped beyond its lease with orders of every profile in its hands; another takes over; it wakes up."""

import pytest

from tests.kills.zombies import haunt, haunted

ZOMBIES = 3


@pytest.mark.promise("G1", "G2", "G3")
@pytest.mark.incident("I6", "I7")
async def test_a_zombie_is_heard_and_not_obeyed_on_any_profile(tmp_path, database_dsn, trials):
    """A zombie's orders of one profile are one trial."""
    async with haunted(tmp_path, database_dsn) as (stage, proxy):
        for number in range(ZOMBIES):
            trials(await haunt(stage, proxy, number))
