"""Two thousand cuts at random statements, several in one life."""

import pytest

from tests.database_faults.life import theatre
from tests.kills.chance import scaled, seeded_chance
from tests.support.postgres_proxy import How

CUTS = 2_000
MOST_AT_ONCE = 4
STATEMENTS = 170


@pytest.mark.promise("G1", "G2", "G3")
@pytest.mark.incident("I2", "I7")
@pytest.mark.parametrize("part", range(4))
async def test_random_cuts_neither_double_nor_lose_a_payout(tmp_path, database_dsn, part, trials):
    chance, made = seeded_chance(), 0
    async with theatre(tmp_path, database_dsn) as stage:
        while made < scaled(CUTS // 4):
            numbers = chance.sample(range(1, STATEMENTS), chance.randint(1, MOST_AT_ONCE))
            made += len(await stage.live({number: chance.choice(list(How)) for number in numbers}))
    trials(made)
