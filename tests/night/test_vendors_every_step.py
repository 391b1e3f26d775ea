"""Every kind of fault at every step of every life over every vendor."""

import pytest

from tests.steps.enumerating import EVERY, every_fault
from tests.vendors.steps.conftest import doubles, world_at
from tests.vendors.steps.lives import LIVES, lives_at
from tests.vendors.vendors import VENDORS

__all__ = ["doubles", "world_at"]

CASES = [(name, life) for name, vendor in VENDORS.items() for life in lives_at(vendor)]


@pytest.mark.promise("G1", "G2", "G3", "G8")
@pytest.mark.incident("I2", "I7", "I9", "I18")
@pytest.mark.parametrize(("vendor", "name"), CASES)
async def test_no_step_over_a_vendor_can_fail_in_any_way(world_at, vendor, name, trials):
    async with world_at(vendor) as world:
        tally = await every_fault(world, LIVES[name], lambda at: EVERY)
        print(f"{name} over {vendor}: {tally}")  # noqa: T201 - shown with -s
        trials(tally.trials)
