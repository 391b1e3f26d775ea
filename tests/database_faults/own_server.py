"""A PostgreSQL server of a test's own, which the test may break."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rewardrails.store.embedded import EmbeddedPostgres
from tests.support.database import FAST_AND_FORGETFUL

DATABASE = "season"
# What was committed must survive the server's death, so this one writes before it says so; the disk itself stays.
DURABLE = {**FAST_AND_FORGETFUL, "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "64MB"}
WAIT_SECONDS = 60


class OwnServer:
    """Restarts, stops and starts, as `pg_ctl` does it."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        postgres.ensure_database(DATABASE)
        self.dsn = postgres.dsn(DATABASE)

    def crash_and_restart(self) -> None:
        """Every session dies mid-word; what was committed comes back from the log."""
        self._postgres._control("restart", "-m", "immediate", "-l", "start.log", wait_seconds=WAIT_SECONDS)

    def stop(self) -> None:
        """Gone, at once."""
        self._postgres._control("stop", "-m", "immediate", wait_seconds=WAIT_SECONDS)

    def start(self) -> None:
        """Back again, when this returns."""
        self._postgres._control("start", "-l", "start.log", wait_seconds=WAIT_SECONDS)


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """One server with an empty database, for this test alone."""
    with (
        tempfile.TemporaryDirectory(prefix="rr-own-") as folder,
        EmbeddedPostgres.start(Path(folder) / "pg", settings=DURABLE) as postgres,
    ):
        yield OwnServer(postgres)
