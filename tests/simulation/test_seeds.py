"""Seeds of the simulation: nothing is broken, and a seed is the same story every time."""

import pytest

from rewardrails.testing.simulation.campaign import RARE, run_seeds
from rewardrails.testing.simulation.run import replay, run_seed

SEEDS = 200
PERHAPS_ODD = 7


@pytest.mark.promise("G1", "G2", "G3", "G4")
@pytest.mark.incident("I1", "I2", "I6", "I9", "I10", "I13", "I15", "I16", "I24")
async def test_no_seed_breaks_a_promise(store, trials):
    summary = await run_seeds(store, range(SEEDS))

    assert summary.failing is None, str(summary)
    assert set(summary.ends) >= {"paid", "failed", "canceled", "returned", "outcome_unknown"}
    assert all(summary.met[what] for what in RARE), str(summary)
    trials(summary.seeds)


async def test_a_seed_tells_the_same_story_twice(store):
    first = [(await run_seed(store, seed)).story for seed in range(PERHAPS_ODD)]

    assert [(await run_seed(store, seed)).story for seed in range(PERHAPS_ODD)] == first


async def test_the_steps_of_a_seed_tell_its_story_again(store):
    drawn = await run_seed(store, PERHAPS_ODD)

    again = await replay(store, PERHAPS_ODD, drawn.steps)

    assert again.story == drawn.story


async def test_another_seed_is_another_story(store):
    assert (await run_seed(store, 1)).story != (await run_seed(store, 2)).story
