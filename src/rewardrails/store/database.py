"""The connection pool and the one way to run a transaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Self, TypeAlias, TypeVar

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from rewardrails import clock
from rewardrails.errors import ConfigInvalid

T = TypeVar("T")
APP_ROLE = "rewardrails_app"
TRIES = 6
OUTCOME_SECONDS = 10.0
_RETRY_WHOLE = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

# Every statement here is a short one on indexed columns. A cached plan made while a table was small must not become a scan of
# all of it once it is large, and pages are nearly always in memory.
_PLANNING = {"enable_seqscan": "off", "random_page_cost": "1.1", "jit": "off", "timezone": "UTC"}
# A process that stands still inside a transaction (stopped, swapped out, its machine gone) keeps its locks until the server
# ends its session; everybody else waits for them meanwhile.
_STANDING_STILL = {"idle_in_transaction_session_timeout": "10s"}

Connection: TypeAlias = PoolConnectionProxy


class Unreachable(ConnectionError):
    """No connection to the database can be made."""


LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    ConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""What it looks like when the database went away, or ended our session; whether a commit happened is then unknown."""
_in_transaction: ContextVar[bool] = ContextVar("rewardrails_in_transaction", default=False)
log = structlog.get_logger(__name__)


class _PlainConnection(asyncpg.Connection):
    """Sends no reset between uses: the engine sets nothing on a session."""

    def get_reset_query(self) -> str:
        return ""


def assert_no_transaction() -> None:
    """Raise when this task is inside a transaction; called before every call to the outside."""
    if _in_transaction.get():
        raise AssertionError("a network call inside an open database transaction: commit first, then call")


class Database:
    """A pool of connections that act as the engine's own role."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, dsn: str, *, max_size: int = 10, application_name: str = "rewardrails") -> Self:
        """Open the pool; every connection runs as `rewardrails_app`, which can neither edit history nor balances."""
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=max_size,
            init=_prepare_connection,
            connection_class=_PlainConnection,
            command_timeout=60,
            server_settings={
                "role": APP_ROLE,
                "application_name": application_name,
                **_PLANNING,
                **_STANDING_STILL,
            },
        )
        return cls(pool)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One READ COMMITTED transaction; no call to the outside may be made inside."""
        async with self._connection() as connection:
            token = _in_transaction.set(True)
            try:
                async with connection.transaction():
                    yield connection
            finally:
                _in_transaction.reset(token)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection for single statements that change nothing together."""
        async with self._connection() as connection:
            yield connection

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` in a transaction, again as a whole after a deadlock or a lost connection.

        A COMMIT whose reply was lost may have happened, so `work` must find its own earlier effect and answer the same:
        every verb does, by unique keys and versions, or is run by `run_once`.
        """
        for attempt in range(1, TRIES + 1):
            try:
                async with self.transaction() as connection:
                    return await work(connection)
            except (*_RETRY_WHOLE, *LOST) as error:
                if attempt == TRIES:
                    raise
                log.warning("transaction_again", reason=type(error).__name__, attempt=attempt)
                await clock.sleep(0.05 * 2**attempt)
        raise AssertionError("unreachable")

    async def run_once(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """`run` for work that would not know its own earlier effect: what people do, and money put into pools.

        After a lost COMMIT reply the server tells what became of the transaction; one that was committed is not done again.
        """
        earlier: list[tuple[str, T]] = []

        async def unless_done(connection: Connection) -> T:
            if earlier and await _was_committed(connection, earlier[-1][0]):
                return earlier[-1][1]
            answer = await work(connection)
            transaction_id = await connection.fetchval("SELECT pg_current_xact_id_if_assigned()::text")
            if transaction_id is not None:
                earlier.append((transaction_id, answer))
            return answer

        return await self.run(unless_done)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            connection = await self._pool.acquire()
        except OSError as error:  # a socket that is not there, a network that is down, a server that does not answer
            raise Unreachable(f"the database does not take connections ({type(error).__name__})") from error
        try:
            yield connection
        finally:
            await self._pool.release(connection)


async def _was_committed(connection: Connection, transaction_id: str) -> bool:
    """Whether an earlier transaction of ours was; one whose session has not noticed yet that we are gone is waited for.

    Raises `Unreachable` when it still stands after `OUTCOME_SECONDS`; `run` then asks again.
    """
    give_up = clock.monotonic() + OUTCOME_SECONDS
    while clock.monotonic() < give_up:
        status = await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", transaction_id)
        if status != "in progress":
            return bool(status == "committed")
        await clock.sleep(0.05)
    raise Unreachable("an earlier session still holds the transaction whose end was not heard")


def one(row: asyncpg.Record | None) -> asyncpg.Record:
    """The row of a statement that always answers one; a missing one is a broken database, not a business fact."""
    if row is None:
        raise LookupError("a statement that always answers a row answered none")
    return row


async def _prepare_connection(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=int, format="text")


async def refuse_unsafe_settings(database: Database) -> None:
    """Refuse a server that may forget a commit. Raises `ConfigInvalid`; a declared test environment may skip the check."""
    async with database.reading() as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            value = await connection.fetchval("SELECT current_setting($1)", name)
            if value == "off":
                raise ConfigInvalid(f"the database runs with {name} = off and may forget payouts; set it to on")


async def wait_until_reachable(connect: Callable[[], Awaitable[Database]], *, tries: int = 30) -> Database:
    """Connect, waiting for a server that is still starting."""
    for attempt in range(tries):
        try:
            return await connect()
        except (OSError, asyncpg.CannotConnectNowError):
            if attempt == tries - 1:
                raise
            await asyncio.sleep(1)
    raise AssertionError("unreachable")
