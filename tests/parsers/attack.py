"""Puts a parser through many hostile inputs and holds it to its promises."""

import time
from contextlib import suppress

from hypothesis import HealthCheck, Phase, given, settings

from tests.parsers.readers import Reader

SOON_SECONDS = 2.0


def attack(reader: Reader, examples: int, *, derandomized: bool) -> int:
    """Make `examples` tries; answers how many were made. What it raises shows the smallest input that breaks a promise."""
    made = 0

    @settings(
        max_examples=examples,
        derandomize=derandomized,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(reader.inputs)
    def one(given_input: object) -> None:
        nonlocal made
        made += 1
        started = time.process_time()
        with suppress(*reader.refuses):
            reader.read(given_input)
        # This process's own time: how busy the machine is does not count.
        assert time.process_time() - started < SOON_SECONDS

    one()
    return made
