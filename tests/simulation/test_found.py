"""Holes that the simulation found or led to, each as the steps that showed it."""

import pytest

from rewardrails.domain.observation import ObservedStatus
from rewardrails.providers.capabilities import Lookup
from rewardrails.testing.simulation.rail import Answer, Behaviour
from rewardrails.testing.simulation.run import replay
from rewardrails.testing.simulation.step import Job, Step, StepKind
from rewardrails.testing.simulation.world import World
from tests.simulation.scripts import agreed, go, job, looked, lost, notice, polled, rails, requested, sent, wait

PAID_UNSEEN = Step(kind=StepKind.RAIL, who="rail-one", number=1, what=ObservedStatus.PAID.value)
A_DAY = 90_000.0
PROPOSED_ANEW = "Operator 2 (agrees with what was said of reward 1) goes on into a transaction. -> proposed"


@pytest.mark.promise("G2")
@pytest.mark.incident("I8")
@pytest.mark.parametrize("lookup", [Lookup.NONE, Lookup.OUR_REFERENCE], ids=["cannot be asked", "does not answer"])
async def test_a_pending_payout_that_its_rail_says_nothing_more_about_is_given_to_people(store, lookup):
    steps = [*requested(), *sent(Behaviour.ACCEPT), PAID_UNSEEN, *lost(1), *lost(2), *wait(A_DAY), *polled(Answer.LOST)]

    run = await replay(store, 1, steps, prepare=rails(lookup=lookup))

    assert run.broken == ()
    assert "reward 1 is outcome_unknown" in run.story


@pytest.mark.promise("G2")
async def test_a_pending_payout_that_its_rail_confirms_is_waited_for(store):
    steps = [
        *requested(),
        *sent(Behaviour.ACCEPT),
        *lost(1),
        *wait(A_DAY),
        *polled(),
        *wait(3700),
        *polled(Answer.LOST),
    ]

    run = await replay(store, 1, steps, prepare=rails())

    assert run.broken == ()
    assert "outcome_unknown" not in run.story


@pytest.mark.promise("G1")
@pytest.mark.incident("I19")
async def test_what_was_found_out_before_another_sending_proves_nothing_after_it_whatever_the_clock_says(store):
    asked = job(Job.POLL, "", Answer.ANSWERS.value)
    clock_back = Step(kind=StepKind.DATABASE_CLOCK, seconds=-3.0)
    steps = [*requested(), *sent(Behaviour.ERROR_BEFORE), *wait(40), *asked, *looked("operator 1")]
    steps += [clock_back, *go("worker 1 (polls on rail-one)", "", "", ""), *sent(Behaviour.LOSE_REPLY, again=2)]

    run = await replay(store, 1, [*steps, *agreed("operator 2")], prepare=rails())

    assert run.broken == ()
    assert PROPOSED_ANEW in run.story


@pytest.mark.promise("G1")
@pytest.mark.incident("I19")
async def test_what_was_found_out_before_the_rail_was_heard_of_proves_nothing_after_it(store):
    hasty = rails()

    def nobody_sees_what_is_under_way(world: World) -> None:
        hasty(world)
        world.rails["rail-one"].awaits = lambda _payout: False

    arrived = [Step(kind=StepKind.ARRIVE, who="rail-one"), *notice(1)]
    steps = [*requested(), *sent(Behaviour.LATE), *looked("operator 1"), *arrived, *wait(A_DAY), *polled(Answer.LOST)]

    run = await replay(store, 1, [*steps, *agreed("operator 2")], prepare=nobody_sees_what_is_under_way)

    assert run.broken == ()
    assert PROPOSED_ANEW in run.story
