"""A fault at the first step, at the second, and so on, until there are no more steps."""

from collections.abc import Awaitable, Callable, Sequence

from rewardrails.testing.steps.fault import Fault


async def every_step(
    live: Callable[[Fault], Awaitable[str | None]],
    faults_at: Callable[[int], Sequence[Fault]],
    *,
    most: int = 10_000,
) -> int:
    """Live once with each of the faults of step 1, of step 2, ..., until none of a step's faults is met; answers how many steps.

    `live` lives one whole life, checks what must hold, and answers the step that the fault struck (None: none did).
    Raises `RuntimeError` when a life never ends before its fault.
    """
    for at in range(1, most + 1):
        met = [await live(fault) for fault in faults_at(at)]
        if not any(met):
            return at - 1
    raise RuntimeError(f"no end after {most} steps: the life has to end by itself")
