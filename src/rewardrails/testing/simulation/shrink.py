"""Making a failing run short: leave out steps for as long as the same promise stays broken."""

from rewardrails.testing.simulation.database import Store
from rewardrails.testing.simulation.run import Prepare, Run, replay

# Enough for a hundred steps; each try is one run.
TRIES = 400


async def shrink(store: Store, failing: Run, *, prepare: Prepare | None = None, tries: int = TRIES) -> Run:
    """A run of fewer steps that breaks the same promise; the last one found after `tries` runs."""
    best, size = failing, max(1, len(failing.steps) // 2)
    while size and tries > 0:
        start = len(best.steps) - size
        shorter = None
        while shorter is None and start > -size and tries > 0:
            kept = best.steps[: max(0, start)] + best.steps[max(0, start) + size :]
            tried = await replay(store, failing.seed, kept, prepare=prepare)
            tries -= 1
            if same_fault(tried, failing) and len(tried.steps) < len(best.steps):
                shorter = tried
            start -= size
        if shorter is None:
            size //= 2
        else:
            best, size = shorter, min(size, max(1, len(shorter.steps) // 2))
    return best


def same_fault(one: Run, other: Run) -> bool:
    """Whether both break the same promise first, whoever it hit."""
    return bool(one.broken) and bool(other.broken) and _promise(one) == _promise(other)


def _promise(run: Run) -> str:
    return run.broken[0].partition(":")[0]
