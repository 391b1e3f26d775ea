"""A night of seeds. A campaign that was stopped goes on at `RR_SIMULATION_FIRST`; every seed is its own, so ranges add up."""

import os

import pytest
from structlog.testing import capture_logs

from rewardrails.testing.simulation.campaign import Summary, run_seeds
from rewardrails.testing.simulation.database import Store

SEEDS = int(100_000 * float(os.environ.get("RR_NIGHT_SCALE", "1")))
FIRST = int(os.environ.get("RR_SIMULATION_FIRST", "0"))
# Each part is a test of its own, so that several processes share the night and one failure does not end it.
PARTS = 20
TELL_EVERY = 500


@pytest.mark.promise("G1", "G2", "G3", "G4")
@pytest.mark.incident("I1", "I2", "I6", "I9", "I10", "I13", "I15", "I16", "I24")
@pytest.mark.parametrize("part", range(PARTS))
async def test_no_seed_breaks_a_promise(database_dsn, trials, capsys, part):
    seeds = range(FIRST + SEEDS * part // PARTS, FIRST + SEEDS * (part + 1) // PARTS)

    def told(summary: Summary) -> None:
        logs.clear()
        if summary.seeds % TELL_EVERY == 0:
            with capsys.disabled():
                print(f"\nseeds {seeds.start} to {seeds.start + summary.seeds - 1}: none broken, {summary.bound:.1e}")  # noqa: T201

    with capture_logs() as logs:
        async with Store.opened(database_dsn) as store:
            summary = await run_seeds(store, seeds, told=told)

    assert summary.failing is None, str(summary)
    trials(summary.seeds)
