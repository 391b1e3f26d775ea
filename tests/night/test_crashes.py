"""Every crash on every profile, and workers killed at random all night."""

import random

import pytest

from tests.integration.rails.scenarios import (
    a_zombie_stopped_before_its_first_byte_pays_nobody_twice,
    a_zombie_with_an_answer_in_its_hands_is_heard_and_not_obeyed,
    killed_between_storing_the_attempt_and_the_first_byte,
    killed_while_the_provider_has_the_order_and_the_answer_is_on_its_way,
    until_accepted,
)
from tests.support.stage import PROFILES, Rail, on_stage

SCENARIOS = (
    killed_between_storing_the_attempt_and_the_first_byte,
    killed_while_the_provider_has_the_order_and_the_answer_is_on_its_way,
    a_zombie_with_an_answer_in_its_hands_is_heard_and_not_obeyed,
    a_zombie_stopped_before_its_first_byte_pays_nobody_twice,
)
ROUNDS = 10
PAYOUTS = 2_000
KILLS = 100
MIX = "settle=30,webhook=25,lose_reply=15,error_after=5,rate_limit=5,error_before=5,garbage=5,accept_late=5,fail=5"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("round_no", range(ROUNDS))
async def test_a_crash_pays_nobody_twice(tmp_path, database_dsn, scenario, profile, round_no):
    if profile == "lookup-absent" and scenario is a_zombie_with_an_answer_in_its_hands_is_heard_and_not_obeyed:
        pytest.skip("without a lookup nobody settles it before the zombie wakes")
    await scenario(tmp_path, database_dsn, profile)


@pytest.mark.parametrize("seed", range(5))
async def test_a_season_survives_kills_at_random_moments(tmp_path, database_dsn, seed):
    chance = random.Random(seed)
    rail = Rail(arguments=("--mix", MIX, "--seed", str(seed)), call_timeout=2.0)
    async with on_stage(tmp_path, database_dsn, rail) as stage:
        for number in range(0, PAYOUTS, 500):
            await stage.pay(*range(number, number + 500))
        for kill in range(KILLS):
            accepted = (await stage.one.control.totals()).accepted
            if accepted >= PAYOUTS * 0.9:
                break
            async with stage.worker_process():
                await until_accepted(stage, accepted + chance.randrange(1, 2 * PAYOUTS // KILLS))
            await stage.expire_leases()
            if kill % 10 == 9:
                await stage.one.restart()
        async with stage.working():
            await stage.until_settled(seconds=900.0)
        await stage.assert_true_to_the_journals()
        assert set(await stage.counts()) <= {"paid", "failed"}
