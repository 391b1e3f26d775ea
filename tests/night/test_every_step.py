"""Every kind of fault at every step of every life on every profile; and sleepers on every profile before every behaviour."""

import pytest

from tests.steps.conftest import shops, world_at
from tests.steps.enumerating import EVERY, every_fault
from tests.steps.lives import LIVES
from tests.steps.shops import OFFERED
from tests.steps.zombies import BEHAVIOURS, first_byte_at, zombie

__all__ = ["shops", "world_at"]


@pytest.mark.promise("G1", "G2", "G3", "G8")
@pytest.mark.incident("I2", "I7", "I9", "I18")
@pytest.mark.parametrize("profile", OFFERED)
@pytest.mark.parametrize("name", LIVES)
async def test_no_step_can_fail_in_any_way_on_any_rail(world_at, profile, name, trials):
    async with world_at(profile) as world:
        tally = await every_fault(world, LIVES[name], lambda at: EVERY)
        print(f"{name} on {profile}: {tally}")  # noqa: T201 - shown with -s
        trials(tally.trials)


@pytest.mark.promise("G1", "G2")
@pytest.mark.incident("I7", "I10")
@pytest.mark.parametrize("times", [1, 2, None])
@pytest.mark.parametrize("profile", OFFERED)
async def test_a_sender_that_sleeps_before_its_first_byte_pays_nobody_twice(world_at, shops, profile, times, trials):
    """The provider behaves like this once, twice, or always."""
    async with world_at(profile) as world:
        at = await first_byte_at(world)
        for behaviour in BEHAVIOURS:
            await zombie(world, shops[profile], at, behaviour, times=times)
            trials(1)
