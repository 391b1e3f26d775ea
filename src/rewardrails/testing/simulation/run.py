"""One run: a seed's steps, or steps written down, then quiet; and what was broken on the way."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rewardrails.testing.simulation.checks import violations, violations_at_rest
from rewardrails.testing.simulation.choosing import SeededChoice
from rewardrails.testing.simulation.database import Store
from rewardrails.testing.simulation.doing import do
from rewardrails.testing.simulation.quiet import come_to_rest
from rewardrails.testing.simulation.step import Step
from rewardrails.testing.simulation.world import World, new_world

STEPS = 110

Prepare = Callable[[World], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run was: its steps, its story, what it broke (empty: nothing), and how its payouts ended."""

    seed: int
    steps: tuple[Step, ...] = field(repr=False)
    story: str = field(repr=False)
    broken: tuple[str, ...]
    events: int
    ends: Counter[str]


async def run_seed(store: Store, seed: int, *, prepare: Prepare | None = None) -> Run:
    """Let a seed decide everything."""
    choice = SeededChoice(seed)
    return await _run(store, seed, lambda world, done: choice.next(world) if done < STEPS else None, prepare)


async def replay(store: Store, seed: int, steps: Sequence[Step], *, prepare: Prepare | None = None) -> Run:
    """Do these steps in the world of a seed; those that do not fit are left out."""
    return await _run(store, seed, lambda _world, done: steps[done] if done < len(steps) else None, prepare)


async def _run(store: Store, seed: int, choose: Callable[[World, int], Step | None], prepare: Prepare | None) -> Run:
    steps: list[Step] = []
    drawn = 0
    async with new_world(store, seed, prepare) as world:
        for name, rail in world.rails.items():
            world.story.remark(f"{name}: {rail.profile}")
        broken: list[str] = []
        while not broken and (step := choose(world, drawn)) is not None:
            drawn += 1
            if await do(world, step):
                steps.append(step)
                broken = violations(world)
        if not broken:
            broken = await come_to_rest(world) or violations_at_rest(world)
        for words in broken:
            world.story.remark(f"BROKEN {words}")
        return Run(
            seed=seed,
            steps=tuple(steps),
            story=world.story.text,
            broken=tuple(broken),
            events=world.story.events,
            ends=Counter(payout.state for payout in world.snapshot.payouts),
        )
