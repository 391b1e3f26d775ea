"""A fault at every statement, COMMIT and outbound call of a payout's whole life: what ends, errs, hangs or loses its answer."""

import pytest

from tests.steps.enumerating import EVERY, every_fault, in_turn, thriftily
from tests.steps.lives import LIVES
from tests.steps.living import lived


@pytest.mark.parametrize("name", LIVES)
async def test_a_life_without_faults_ends_as_it_should(world_at, name):
    async with world_at("default") as world:
        done = await lived(world, LIVES[name], None)
        assert done.state == LIVES[name].ends


@pytest.mark.promise("G1", "G2", "G3", "G8")
@pytest.mark.incident("I2", "I7", "I9", "I18")
@pytest.mark.parametrize("name", LIVES)
async def test_no_step_can_fail_so_that_money_is_lost_or_paid_twice(world_at, name, trials):
    """Each step meets the end of its process; calls to the rail meet everything, the others some of the rest in turn."""
    async with world_at("default") as world:
        tally = await every_fault(world, LIVES[name], await thriftily(world, LIVES[name]))
        print(f"{name}: {tally}")  # noqa: T201 - shown with -s
        assert tally.steps > len(LIVES[name].acts)
        trials(tally.trials)


@pytest.mark.promise("G1", "G2", "G3")
@pytest.mark.parametrize("profile", ["dedupe-none", "lookup-absent"])
async def test_rails_that_promise_less_are_no_worse(world_at, profile, trials):
    """Each step of a life whose answer is lost meets one trouble in turn."""
    async with world_at(profile) as world:
        tally = await every_fault(world, LIVES["answer lost"], lambda at: (in_turn(EVERY, at),))
        print(f"{profile}: {tally}")  # noqa: T201 - shown with -s
        trials(tally.trials)
