"""A season over every vendor at once: lost answers, refusals, returns, doubled and late notices, and one vendor away."""

import random

import pytest

from tests.vendors.season.paying import pay_a_season

PAYOUTS = 300


@pytest.mark.promise("G1", "G2", "G3", "G4")
@pytest.mark.incident("I2", "I9", "I12")
async def test_a_season_over_every_vendor_pays_everybody_once(tmp_path, database_dsn, trials):
    ended = await pay_a_season(tmp_path, database_dsn, random.Random(5), payouts=PAYOUTS, away_seconds=3.0)

    assert ended.total() == PAYOUTS
    assert ended["paid"] > PAYOUTS * 0.8
    trials(PAYOUTS)
