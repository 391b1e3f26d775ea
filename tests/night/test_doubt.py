"""Every doubtful answer on every profile at length, with webhooks racing the questions."""

from dataclasses import replace

import pytest

from tests.support.stage import PROFILES, on_stage

MIX = (
    "settle=10,webhook=10,slow_webhook=5,never_notify=5,accept_late=8,fail=5,late_return=5,unknown_status=5,"
    "refuse:destination_closed=3,refuse:insufficient_float=3,rate_limit=5,error_before=5,"
    "redirect=3,hang=5,lose_reply=10,error_after=8,garbage=5,drip=2,oversized=3,truncated=5,duplicate_webhook=5,"
    "out_of_order=5,wrong_amount=3,other_payout=3"
)
PAYOUTS = 1_000


@pytest.mark.promise("G1", "G2", "G3")
@pytest.mark.incident("I2", "I15")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("profile", PROFILES)
async def test_a_thousand_payouts_through_every_trouble(tmp_path, database_dsn, profile, seed, trials):
    rail = PROFILES[profile]
    rail = replace(rail, call_timeout=1.0, arguments=(*rail.arguments, "--mix", MIX, "--seed", str(seed)))
    async with on_stage(tmp_path, database_dsn, rail) as stage, stage.working(), stage.working():
        await stage.pay(*range(PAYOUTS // 2))
        await stage.pay(*range(PAYOUTS // 2, PAYOUTS))
        await stage.until_settled(seconds=600.0)
        await stage.until_told()
        await stage.assert_true_to_the_journals()
        trials(PAYOUTS)
