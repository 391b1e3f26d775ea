"""A database whose statements and COMMITs are steps."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, assert_never, cast

import asyncpg

from rewardrails.store.database import Connection, Database
from rewardrails.testing.steps.fault import Kind, Steps

if TYPE_CHECKING:
    from asyncpg.pool import Pool

T = TypeVar("T")
LABEL_LENGTH = 60


class SteppedDatabase(Database):
    """The real thing, except for what `steps` (set after `connect`) lets happen to it.

    A connection that a fault cuts is really closed, so that the server takes back what was not committed. ROLLBACK is no
    step: one that fails is one all the same.
    """

    def __init__(self, pool: "Pool[asyncpg.Record]") -> None:
        super().__init__(pool)
        self.steps = Steps()

    def vanish(self) -> None:
        """Drop every connection on the spot."""
        self._pool.terminate()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """As `Database.transaction`; BEGIN and COMMIT are steps."""
        await _begin(self.steps)
        async with super().transaction() as connection:
            stepped = SteppedConnection(connection, self.steps)
            yield cast(Connection, stepped)
            answer_is_lost = await stepped.commit()
        if answer_is_lost:
            raise _connection_lost()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """As `Database.reading`."""
        async with super().reading() as connection:
            yield cast(Connection, SteppedConnection(connection, self.steps))


class SteppedConnection:
    """A connection whose statements are steps."""

    def __init__(self, connection: Connection, steps: Steps) -> None:
        self._connection = connection
        self._steps = steps

    async def execute(self, query: str, *arguments: object, **options: Any) -> str:
        """As asyncpg's."""
        return await self._step(query, lambda: self._connection.execute(query, *arguments, **options))

    async def fetch(self, query: str, *arguments: object, **options: Any) -> list[asyncpg.Record]:
        """As asyncpg's."""
        return await self._step(query, lambda: self._connection.fetch(query, *arguments, **options))

    async def fetchrow(self, query: str, *arguments: object, **options: Any) -> asyncpg.Record | None:
        """As asyncpg's."""
        return await self._step(query, lambda: self._connection.fetchrow(query, *arguments, **options))

    async def fetchval(self, query: str, *arguments: object, **options: Any) -> Any:
        """As asyncpg's."""
        return await self._step(query, lambda: self._connection.fetchval(query, *arguments, **options))

    def transaction(self, **options: Any) -> AbstractAsyncContextManager[None]:
        """A savepoint inside a transaction, a transaction outside of one; its beginning and its end are steps."""
        return self._inner(options)

    async def commit(self) -> bool:
        """Whether the answer to the COMMIT that follows is lost; raises when there is to be none."""
        match kind := self._steps.take("COMMIT"):
            case None:
                return False
            case Kind.LOST:
                return True
            case _:
                await self._fail(kind)
                return False

    @asynccontextmanager
    async def _inner(self, options: dict[str, Any]) -> AsyncIterator[None]:
        word = "SAVEPOINT" if self._connection.is_in_transaction() else "BEGIN"
        await self._step(word, _nothing)
        async with self._connection.transaction(**options):
            yield
            await self._step(f"end of {word}", _nothing)

    async def _step(self, what: str, act: Callable[[], Awaitable[T]]) -> T:
        kind = self._steps.take(_label(what))
        if kind is Kind.LOST:
            await act()
        if kind is not None:
            await self._fail(kind)
        return await act()

    async def _fail(self, kind: Kind) -> None:
        """Let it happen; returns only after a pause."""
        match kind:
            case Kind.ERROR:
                raise asyncpg.SerializationError("could not serialize access due to a fault at this step")
            case Kind.CUT | Kind.LOST | Kind.EXIT:
                self._connection.terminate()
                raise _connection_lost()
            case Kind.HANG | Kind.PAUSE:
                # While nothing is heard of a session with locks, the server ends it.
                if self._connection.is_in_transaction():
                    self._connection.terminate()
                await self._steps.stand_still()
                if kind is Kind.HANG:
                    raise TimeoutError
            case _:
                assert_never(kind)


async def _begin(steps: Steps) -> None:
    match steps.take("BEGIN"):
        case None:
            pass
        case Kind.PAUSE:
            await steps.stand_still()
        case Kind.HANG:
            await steps.stand_still()
            raise TimeoutError
        case _:
            raise _connection_lost()


async def _nothing() -> None:
    """The statement itself is asyncpg's to send."""


def _connection_lost() -> Exception:
    return asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


def _label(query: str) -> str:
    """The first words of a statement, comments left out."""
    lines = (line.partition("--")[0] for line in query.splitlines())
    return " ".join(" ".join(lines).split())[:LABEL_LENGTH]
