"""Many seeds in a row, one summary."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rewardrails import clock
from rewardrails.testing.simulation.database import Store
from rewardrails.testing.simulation.run import Prepare, Run, run_seed
from rewardrails.testing.simulation.shrink import TRIES, shrink

# Rare things a campaign should have met, each with the words its stories tell it in.
RARE = {
    "keys sent again": "(sending 2)",
    "late words fenced off": "its word was fenced",
    "doubts settled by two": "-> confirmed",
    "second attempts": "attempt 2",
    "money returned": "is returned",
    "processes killed": "is dead",
    "lies refused": "refused at the door",
}


@dataclass(kw_only=True)
class Summary:
    """What the seeds so far came to. `failing` is the first run that broke a promise, made short."""

    seeds: int = 0
    events: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    failing: Run | None = None

    @property
    def bound(self) -> float:
        """Upper bound (95 %) of the share of seeds that break a promise, when none of them did."""
        return 3 / self.seeds if self.seeds else 1.0

    def add(self, run: Run) -> None:
        """Count one more run."""
        self.seeds += 1
        self.events += run.events
        self.ends += run.ends
        self.met.update(what for what, words in RARE.items() if words in run.story)

    def __str__(self) -> str:
        ends = ", ".join(f"{state} {count}" for state, count in sorted(self.ends.items()))
        speed = self.seeds / self.seconds if self.seconds else 0.0
        lines = [
            f"seeds   {self.seeds} ({speed:.1f} a second)",
            f"events  {self.events}",
            f"payouts {self.ends.total()}: {ends}",
            f"seeds with {', '.join(f'{what} {self.met[what]}' for what in RARE)}",
        ]
        if self.failing is None:
            lines.append(f"broken  none; so fewer than {self.bound:.2g} of all seeds break a promise (3/n, 95 %)")
        else:
            lines += [f"broken  seed {self.failing.seed}: {'; '.join(self.failing.broken)}", "", self.failing.story]
        return "\n".join(lines)


async def run_seeds(
    store: Store,
    seeds: Iterable[int],
    *,
    prepare: Prepare | None = None,
    tries: int = TRIES,
    told: Callable[[Summary], None] = lambda _summary: None,
) -> Summary:
    """Run seed after seed until one breaks a promise; that one is made short in `tries` runs. `told` is called after each."""
    summary, began = Summary(), clock.monotonic()
    for seed in seeds:
        run = await run_seed(store, seed, prepare=prepare)
        summary.add(run)
        summary.seconds = clock.monotonic() - began
        told(summary)
        if run.broken:
            summary.failing = await shrink(store, run, prepare=prepare, tries=tries)
            break
    return summary
