"""The one source of time, so that a simulation can own it. Lease time is the database's, not this."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""

    async def sleep(self, seconds: float) -> None:
        """Come back after `seconds`."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Come back after `seconds`."""
        await asyncio.sleep(seconds)


_clock: Clock = SystemClock()


def now() -> datetime:
    """The present, aware, in UTC."""
    return _clock.now()


def monotonic() -> float:
    """Seconds that never go back; only differences mean something."""
    return _clock.monotonic()


async def sleep(seconds: float) -> None:
    """Come back after `seconds`."""
    await _clock.sleep(seconds)


@contextmanager
def use(clock: Clock) -> Iterator[None]:
    """Have this process live by `clock` inside the `with` block; for tests and simulations."""
    global _clock  # noqa: PLW0603 - one clock per process is the point of this module
    before, _clock = _clock, clock
    try:
        yield
    finally:
        _clock = before
