"""Time is aware and in UTC, and a simulation can own it."""

import asyncio
from datetime import UTC, datetime, timedelta

from rewardrails import clock


class Leaping:
    """Sleeping moves the time on at once."""

    def __init__(self) -> None:
        self._passed = 0.0

    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        self._passed += seconds


def test_now_is_aware_and_in_utc() -> None:
    assert clock.now().tzinfo is UTC


def test_monotonic_never_goes_back() -> None:
    assert clock.monotonic() <= clock.monotonic()


def test_sleep_lets_that_much_time_pass() -> None:
    before = clock.monotonic()
    asyncio.run(clock.sleep(0.01))
    assert clock.monotonic() - before >= 0.009


def test_clock_is_replaced_inside_the_block_only() -> None:
    with clock.use(Leaping()):
        asyncio.run(clock.sleep(3600))
        assert clock.now() == datetime(2030, 1, 1, 1, tzinfo=UTC)
        assert clock.monotonic() == 3600
    assert clock.now() != datetime(2030, 1, 1, 1, tzinfo=UTC)
