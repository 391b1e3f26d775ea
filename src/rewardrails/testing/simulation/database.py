"""One real connection shared by all simulated processes, a transaction at a time, with the world's time and with faults."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, cast

import asyncpg

from rewardrails.store.database import Connection, Database
from rewardrails.testing.simulation.turns import Killed, Stop, Turns
from rewardrails.testing.simulation.virtual import VirtualTime

_SETTING = "rewardrails.simulated_now"
_OWN_TIME = f"""
CREATE OR REPLACE FUNCTION rr_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
$$SELECT COALESCE(NULLIF(current_setting('{_SETTING}', true), '')::timestamptz, statement_timestamp())$$
"""
# Everything the engine wrote. What the database itself is (its name, its version, its keys) stays.
_TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = current_schema()
   AND tablename NOT IN ('alembic_version', 'instance', 'data_key', 'event_seal') ORDER BY tablename
"""
# Emptying by row is quicker while there are few; emptying whole keeps the files small.
_TRUNCATE_EVERY = 200
_RESET_SEAL = r"UPDATE event_seal SET position = 0, chain_hash = '\x'"


class FaultKind(StrEnum):
    """What becomes of a transaction."""

    DIES = "dies"
    CUT = "cut"
    REPLY_LOST = "reply lost"
    DIES_AFTER_COMMIT = "dies after commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault, and before which statement of the transaction it strikes (counted from 1; not for commits)."""

    kind: FaultKind
    at: int = 0

    def __str__(self) -> str:
        return f"{self.kind}:{self.at}"

    @property
    def words(self) -> str:
        """The same in a sentence."""
        return {
            FaultKind.DIES: f"dies before its statement {self.at}",
            FaultKind.CUT: f"its connection is cut before statement {self.at}",
            FaultKind.REPLY_LOST: "the reply to its COMMIT is lost",
            FaultKind.DIES_AFTER_COMMIT: "dies after its COMMIT",
        }[self.kind]

    @classmethod
    def parse(cls, word: str) -> "Fault | None":
        """The fault in a gate's word; None in an empty one."""
        if not word:
            return None
        kind, at = word.split(":")
        return cls(kind=FaultKind(kind), at=int(at))


class ConnectionCut(asyncpg.ConnectionDoesNotExistError):
    """The connection went away under a transaction."""


class Store:
    """A database of the simulation's own; emptied between runs."""

    def __init__(self, raw: Connection, owner: "asyncpg.Connection[asyncpg.Record]", tables: tuple[str, ...]) -> None:
        self.raw = raw
        self._owner = owner
        self._tables = tables
        self._runs = 0

    @classmethod
    @asynccontextmanager
    async def opened(cls, dsn: str) -> AsyncIterator[Self]:
        """Take over a migrated database whose owner `dsn` names. Raises `ValueError` when payouts are in it."""
        owner = await asyncpg.connect(dsn)
        database = await Database.connect(dsn, max_size=1, application_name="simulation")
        try:
            if await owner.fetchval("SELECT EXISTS (SELECT 1 FROM payout)"):
                raise ValueError("the simulation empties its database, and this one holds payouts: give it another one")
            await owner.execute(_OWN_TIME)
            tables = tuple(row["tablename"] for row in await owner.fetch(_TABLES))
            async with database.reading() as raw:
                yield cls(raw, owner, tables)
        finally:
            await owner.close()
            await database.close()

    async def empty(self) -> None:
        """Forget every earlier run."""
        self._runs += 1
        if self._runs % _TRUNCATE_EVERY == 1:
            emptying = f"TRUNCATE {', '.join(self._tables)}"
        else:
            emptying = "; ".join(f"DELETE FROM {table}" for table in self._tables)  # noqa: S608 - our own names
        await self._owner.execute(f"SET session_replication_role = replica; {emptying}; {_RESET_SEAL}")


class GatedPool:
    """What `Database` takes for its pool: whoever acquires waits for their turn, then has the connection alone."""

    def __init__(self, raw: Connection, turns: Turns, time: VirtualTime) -> None:
        self._raw = raw
        self._turns = turns
        self._time = time
        self._taken = False
        self._commits = 0
        self.before_statement: Callable[[str], str] | None = None

    async def acquire(self) -> "GatedConnection":
        """A connection, with the fault that the gate's word names."""
        word = await self._turns.gate(Stop.DATABASE)
        if self._taken:
            raise AssertionError(
                "a second connection inside a transaction: two of these can wait for each other for ever"
            )
        self._taken = True
        return GatedConnection(self, self._raw, self._time, Fault.parse(word))

    async def release(self, _connection: "GatedConnection") -> None:
        """Give it back."""
        self._taken = False

    def note_commit(self) -> None:
        """Something may have been written."""
        self._commits += 1

    def take_commits(self) -> int:
        """How often something may have been written since the last time."""
        taken, self._commits = self._commits, 0
        return taken


def gated_database(pool: GatedPool) -> Database:
    """The engine's own database class over the gated pool."""
    return Database(cast("asyncpg.Pool[asyncpg.Record]", pool))


class GatedConnection:
    """The connection as the engine knows it: statements and transactions, some of which do not end well."""

    def __init__(self, pool: GatedPool, raw: Connection, time: VirtualTime, fault: Fault | None) -> None:
        self._pool = pool
        self._raw = raw
        self._now = f"'{time.database_now().isoformat()}'"
        self._fault = fault
        self._depth = 0
        self._statements = 0

    async def fetch(self, statement: str, *arguments: object) -> Any:
        """Rows of a statement."""
        return await self._do(self._raw.fetch, statement, arguments)

    async def fetchrow(self, statement: str, *arguments: object) -> Any:
        """First row of a statement."""
        return await self._do(self._raw.fetchrow, statement, arguments)

    async def fetchval(self, statement: str, *arguments: object) -> Any:
        """First value of a statement."""
        return await self._do(self._raw.fetchval, statement, arguments)

    async def execute(self, statement: str, *arguments: object) -> Any:
        """Run a statement."""
        return await self._do(self._raw.execute, statement, arguments)

    @asynccontextmanager
    async def transaction(self, **_options: object) -> AsyncIterator[None]:
        """A transaction, or inside one a savepoint; always at the world's present moment."""
        begin, commit, rollback = self._words()
        self._depth += 1
        try:
            await self._raw.execute(begin)
            try:
                yield
                if self._depth == 1:
                    await self._before_commit()
            except BaseException:
                await self._raw.execute(rollback)
                raise
            await self._raw.execute(commit)
            if self._depth == 1:
                self._after_commit()
        finally:
            self._depth -= 1

    def _words(self) -> tuple[str, str, str]:
        if self._depth:
            return "SAVEPOINT inner_one", "RELEASE inner_one", "ROLLBACK TO inner_one; RELEASE inner_one"
        return f"BEGIN; SET LOCAL {_SETTING} = {self._now}", "COMMIT", "ROLLBACK"

    async def _do(self, run: Callable[..., Awaitable[Any]], statement: str, arguments: tuple[object, ...]) -> Any:
        self._statements += 1
        self._strike(self._statements)
        if self._pool.before_statement is not None:
            statement = self._pool.before_statement(statement)
        if not self._depth:
            await self._raw.execute(f"SET {_SETTING} = {self._now}")
            self._pool.note_commit()
        return await run(statement, *arguments)

    async def _before_commit(self) -> None:
        if self._fault and self._fault.at > self._statements:
            self._strike(self._fault.at)

    def _after_commit(self) -> None:
        self._pool.note_commit()
        match self._fault.kind if self._fault else None:
            case FaultKind.REPLY_LOST:
                raise ConnectionCut("the connection was cut before the answer to COMMIT came")
            case FaultKind.DIES_AFTER_COMMIT:
                raise Killed
            case _:
                return

    def _strike(self, statement: int) -> None:
        if self._fault is None or self._fault.at != statement:
            return
        match self._fault.kind:
            case FaultKind.DIES:
                raise Killed
            case FaultKind.CUT:
                raise ConnectionCut("the connection was cut")
            case _:
                return
