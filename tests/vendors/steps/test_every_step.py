"""A fault at every step of a payout's life over each vendor, whose own journal says what was paid."""

import pytest

from tests.steps.enumerating import EVERY, every_fault, in_turn
from tests.steps.living import lived
from tests.vendors.steps.lives import LIVES, lives_at
from tests.vendors.vendors import VENDORS

CASES = [(name, life) for name, vendor in VENDORS.items() for life in lives_at(vendor)]


@pytest.mark.parametrize(("vendor", "name"), CASES)
async def test_a_life_without_faults_ends_as_it_should(world_at, vendor, name):
    async with world_at(vendor) as world:
        done = await lived(world, LIVES[name], None)
        assert done.state == LIVES[name].ends


@pytest.mark.promise("G1", "G2", "G3", "G8")
@pytest.mark.incident("I2", "I7", "I9", "I18")
@pytest.mark.parametrize("vendor", VENDORS)
async def test_no_step_over_a_vendor_can_fail_so_that_money_is_lost_or_paid_twice(world_at, vendor, trials):
    """Each step meets one trouble in turn."""
    async with world_at(vendor) as world:
        tally = await every_fault(world, LIVES["answer lost"], lambda at: (in_turn(EVERY, at),))
        print(f"{vendor}: {tally}")  # noqa: T201 - shown with -s
        trials(tally.trials)
