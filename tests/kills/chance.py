"""Seeded chance, and how long a night is: `RR_SEED` repeats a run, `RR_NIGHT_SCALE` makes a night longer or shorter."""

import os
import random
import secrets

SEED_VARIABLE = "RR_SEED"
SCALE_VARIABLE = "RR_NIGHT_SCALE"


def seeded_chance() -> random.Random:
    """Chance of a seed that is printed, for whoever must repeat a failure."""
    seed = int(os.environ.get(SEED_VARIABLE) or secrets.randbelow(2**32))
    print(f"{SEED_VARIABLE}={seed}")  # noqa: T201 - pytest shows it with a failure
    return random.Random(seed)


def scaled(number: int) -> int:
    """A size of the night, as the environment wants it; at least one."""
    return max(1, round(number * float(os.environ.get(SCALE_VARIABLE, "1"))))
