"""Seasons paid under a thousand kills, and five hundred zombies."""

import pytest

from tests.kills.chance import scaled, seeded_chance
from tests.kills.company import EVERY_PROFILE
from tests.kills.season import pay_while_killing
from tests.kills.zombies import haunt, haunted

SEASONS = 10
PAYOUTS = 1_000
KILLS = 100
ZOMBIES = 500
AT_A_TIME = 8


@pytest.mark.promise("G1", "G2", "G3", "G8")
@pytest.mark.incident("I2", "I4")
@pytest.mark.parametrize("season", range(scaled(SEASONS)))
async def test_a_season_survives_a_hundred_kills(tmp_path, database_dsn, season, trials):
    await pay_while_killing(tmp_path, database_dsn, seeded_chance(), payouts=PAYOUTS, kills=KILLS)
    trials(KILLS)


@pytest.mark.promise("G1", "G2", "G3")
@pytest.mark.incident("I6", "I7")
@pytest.mark.parametrize("herd", range(scaled(-(-ZOMBIES // (AT_A_TIME * len(EVERY_PROFILE))))))
async def test_zombies_are_heard_and_not_obeyed_on_any_profile(tmp_path, database_dsn, herd, trials):
    """A zombie's orders of one profile are one trial."""
    async with haunted(tmp_path, database_dsn) as (stage, proxy):
        for number in range(AT_A_TIME):
            trials(await haunt(stage, proxy, number))
