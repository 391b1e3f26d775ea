"""Every crash on every profile, again and again."""

import pytest

from tests.integration.rails.scenarios import (
    a_zombie_stopped_before_its_first_byte_pays_nobody_twice,
    a_zombie_with_an_answer_in_its_hands_is_heard_and_not_obeyed,
    killed_between_storing_the_attempt_and_the_first_byte,
    killed_while_the_provider_has_the_order_and_the_answer_is_on_its_way,
)
from tests.support.stage import PROFILES

SCENARIOS = (
    killed_between_storing_the_attempt_and_the_first_byte,
    killed_while_the_provider_has_the_order_and_the_answer_is_on_its_way,
    a_zombie_with_an_answer_in_its_hands_is_heard_and_not_obeyed,
    a_zombie_stopped_before_its_first_byte_pays_nobody_twice,
)
ROUNDS = 10


@pytest.mark.promise("G1", "G2")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("round_no", range(ROUNDS))
async def test_a_crash_pays_nobody_twice(tmp_path, database_dsn, scenario, profile, round_no):
    if profile == "lookup-absent" and scenario is a_zombie_with_an_answer_in_its_hands_is_heard_and_not_obeyed:
        pytest.skip("without a lookup nobody settles it before the zombie wakes")
    await scenario(tmp_path, database_dsn, profile)
