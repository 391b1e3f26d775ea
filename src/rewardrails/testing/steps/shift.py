"""Time that passes when it is told to: the database's by a shift of `rr_now()`, a process's own by a clock to use."""

import asyncio
from datetime import datetime, timedelta

from rewardrails.clock import Clock, SystemClock
from rewardrails.store.database import Database

# Whatever is called before it is due is due; nobody waits for real.
_INSTALL = """
CREATE TABLE IF NOT EXISTS rr_test_clock (shift interval NOT NULL);
INSERT INTO rr_test_clock SELECT '0' WHERE NOT EXISTS (SELECT 1 FROM rr_test_clock);
GRANT SELECT, UPDATE ON rr_test_clock TO rewardrails_app;
CREATE OR REPLACE FUNCTION rr_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    AS 'SELECT statement_timestamp() + (SELECT shift FROM rr_test_clock)';
"""


class Shift(Clock):
    """One time for the database and this process, ahead of the real one by a shift that only grows; sleeping takes none.

    Use it with `clock.use`. Rails, which are other people's machines, keep the real time.
    """

    def __init__(self) -> None:
        self._real = SystemClock()
        self._seconds = 0.0

    @staticmethod
    def installing() -> str:
        """The statements that give a test database such a clock; its owner runs them once."""
        return _INSTALL

    def now(self) -> datetime:
        """The machine's: what rails sign with their own clock stays fresh."""
        return self._real.now()

    def monotonic(self) -> float:
        """Seconds that never go back, the shift included."""
        return self._real.monotonic() + self._seconds

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - it takes no time
        """Let others run."""
        await asyncio.sleep(0)

    async def pass_by(self, database: Database, duration: timedelta) -> None:
        """Let so much time pass."""
        self._seconds += duration.total_seconds()
        async with database.transaction() as tx:
            await tx.execute("UPDATE rr_test_clock SET shift = shift + $1", duration)
