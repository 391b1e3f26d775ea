"""The moment that no lease covers: an attempt is committed, its sender sleeps, another takes over, the sender wakes and sends."""

from collections import Counter

import pytest

from tests.steps.zombies import BEHAVIOURS, first_byte_at, zombie


@pytest.mark.promise("G1", "G2")
@pytest.mark.incident("I7", "I10")
@pytest.mark.parametrize("profile", ["default", "not-authoritative", "dedupe-none", "lookup-absent"])
async def test_a_sender_that_sleeps_before_its_first_byte_pays_nobody_twice(world_at, shops, profile, trials):
    ended = Counter()
    async with world_at(profile) as world:
        at = await first_byte_at(world)
        for behaviour in BEHAVIOURS:
            done = await zombie(world, shops[profile], at, behaviour, times=1)
            ended[done.state] += 1
            trials(1)
    print(f"{profile}: {ended.total()} zombies, {dict(ended)}")  # noqa: T201 - shown with -s
