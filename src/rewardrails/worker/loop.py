"""A worker's loop: does one thing again and again, rests when there is nothing to do, survives every error, stops when told."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from rewardrails.store.database import LOST

log = structlog.get_logger(__name__)
AFTER_ERROR_SECONDS = 1.0


async def repeat(
    name: str, work: Callable[[], Awaitable[int]], *, idle_seconds: float, stop: asyncio.Event, full: int = 1
) -> None:
    """Call `work` until `stop` is set; after a call that found fewer than `full` wait `idle_seconds`, after an error a second.

    Work that is done in batches names a full one: going on at once with what little has come meanwhile would spend a
    transaction on each handful.
    """
    while not stop.is_set():
        try:
            found = await work()
            pause = 0.0 if found >= full else idle_seconds
        except LOST as error:  # a line is enough: every loop meets it, again and again
            log.warning("database_unavailable", loop=name, reason=type(error).__name__)
            pause = AFTER_ERROR_SECONDS
        except Exception:  # the edge: one bad round must not end the loop
            log.exception("loop_failed", loop=name)
            pause = AFTER_ERROR_SECONDS
        if pause:
            await rest(stop, pause)
        else:
            await asyncio.sleep(0)


async def rest(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not past `stop`."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
