"""Lets the ledger machine run for so many steps."""

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.ledger.machine import LedgerMachine
from tests.ledger.world import opened_world

STEPS_A_RUN = 100


def play(dsn: str, *, steps: int, seed_of_all: int = 0) -> int:
    """Run the machine from fresh beginnings until it made `steps` steps; answers how many they were."""
    with opened_world(dsn) as world:
        number = 0
        while world.steps < steps:
            runs = max(1, (steps - world.steps) // STEPS_A_RUN)
            run_state_machine_as_test(
                seed(seed_of_all * 1_000_003 + number)(type("Machine", (LedgerMachine,), {"world": world})),
                settings=settings(
                    max_examples=runs,
                    stateful_step_count=STEPS_A_RUN,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
            number += 1
        return world.steps
