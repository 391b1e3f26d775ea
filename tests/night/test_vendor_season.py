"""A whole season over every vendor at once, with faults on and one vendor away."""

import random

import pytest

from tests.vendors.season.paying import pay_a_season

PAYOUTS = 10_000


@pytest.mark.promise("G1", "G2", "G3", "G4")
@pytest.mark.incident("I2", "I9", "I12")
@pytest.mark.parametrize("seed", [1])
async def test_a_whole_season_over_every_vendor_pays_everybody_once(tmp_path, database_dsn, trials, seed):
    ended = await pay_a_season(tmp_path, database_dsn, random.Random(seed), payouts=PAYOUTS, away_seconds=30.0)

    print(dict(ended))  # noqa: T201 - shown with -s
    assert ended.total() == PAYOUTS
    assert ended["paid"] > PAYOUTS * 0.8
    trials(PAYOUTS)
