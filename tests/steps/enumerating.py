"""Every step of every life, with kinds of fault chosen for each; used at any length."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rewardrails.testing.steps import Fault, Kind, every_step
from tests.steps.lives import Life
from tests.steps.living import Lived, lived
from tests.steps.world import World

Trouble = tuple[Kind, bool]
"""A kind of fault, and whether it lasts until the process is restarted."""

# What ends a process lasts by nature, and who stands still does so once.
EVERY: Sequence[Trouble] = (
    (Kind.EXIT, False),
    (Kind.LOST, False),
    (Kind.PAUSE, False),
    (Kind.HANG, False),
    (Kind.ERROR, False),
    (Kind.CUT, False),
    (Kind.LOST, True),
    (Kind.HANG, True),
    (Kind.ERROR, True),
    (Kind.CUT, True),
)
EXIT, LOST, *REST = EVERY


@dataclass(kw_only=True)
class Tally:
    """What was tried: faults struck, by kind, the steps of a life without faults, and how payouts ended."""

    steps: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)

    def add(self, fault: Fault, done: Lived) -> None:
        """Note one life down."""
        self.struck[f"{fault.kind}{' for good' if fault.lasts else ''}"] += 1
        self.ended[done.state or "never asked for"] += 1

    @property
    def trials(self) -> int:
        """Lives with a fault in them."""
        return self.struck.total()

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind} {times}" for kind, times in self.struck.items())
        return f"{self.steps} steps, {self.trials} faults ({kinds}), {dict(self.ended)}"


async def every_fault(world: World, life: Life, troubles_at: Callable[[int], Sequence[Trouble]]) -> Tally:
    """Live it with each trouble of step 1, of step 2, and so on, until no fault meets a step any more."""
    tally = Tally()

    async def live(fault: Fault) -> str | None:
        done = await lived(world, life, fault)
        if done.met is not None:
            tally.add(fault, done)
        return done.met

    def faults_at(at: int) -> list[Fault]:
        return [Fault(kind=kind, at=at, lasts=lasts) for kind, lasts in troubles_at(at)]

    tally.steps = await every_step(live, faults_at)
    return tally


async def thriftily(world: World, life: Life) -> Callable[[int], Sequence[Trouble]]:
    """The end of the process at every step; every trouble at a call to the rail, a lost answer and one more at a COMMIT.

    A statement whose answer is lost is taken back like one that never came, so every second one meets one trouble in turn.
    """
    steps = (await lived(world, life, None)).steps

    def troubles_at(at: int) -> Sequence[Trouble]:
        step = steps[at - 1] if at <= len(steps) else ""
        if step.startswith(("POST ", "GET ")):
            return EVERY
        if step == "COMMIT":
            return EXIT, LOST, in_turn(REST, at)
        return (EXIT, in_turn(EVERY[1:], at // 2)) if at % 2 else (EXIT,)

    return troubles_at


def in_turn(troubles: Sequence[Trouble], at: int) -> Trouble:
    """One after the other."""
    return troubles[at % len(troubles)]
