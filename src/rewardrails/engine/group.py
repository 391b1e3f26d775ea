"""Group commit: whatever arrives within a few milliseconds is handled as one batch, and each caller gets its own answer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from rewardrails import clock
from rewardrails.store.database import LOST

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Group(Generic[Item, Answer]):
    """Gathers items and hands them to `handle` in batches, one batch at a time.

    `handle` takes a sequence and answers one result per item, in order; a result that is an exception is raised to its
    caller alone. If `handle` itself raises, the batch is halved until the item that causes it stands alone; that the
    database is away is no item's fault, and everybody is told at once.
    """

    def __init__(
        self,
        handle: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | BaseException]]],
        *,
        gather_seconds: float = 0.003,
        limit: int = 500,
    ) -> None:
        self._handle = handle
        self._gather_seconds = gather_seconds
        self._limit = limit
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Answer:
        """Wait until the batch with `item` is committed; answers its own result or raises its own error."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await future

    async def drain(self) -> None:
        """Wait until nothing is waiting or running."""
        while self._running is not None and not self._running.done():
            await asyncio.wait({self._running})

    async def _run(self) -> None:
        while self._waiting:
            if len(self._waiting) < self._limit:
                await clock.sleep(self._gather_seconds)
            batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
            await self._settle(batch)

    async def _settle(self, batch: list[tuple[Item, "asyncio.Future[Answer]"]]) -> None:
        try:
            answers = await self._handle([item for item, _ in batch])
        except Exception as error:
            if len(batch) == 1 or isinstance(error, LOST):
                for _, future in batch:
                    _finish(future, error)
                return
            middle = len(batch) // 2
            await self._settle(batch[:middle])
            await self._settle(batch[middle:])
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            _finish(future, answer)


def _finish(future: "asyncio.Future[Answer]", answer: Answer | BaseException) -> None:
    if future.done():
        return
    if isinstance(answer, BaseException):
        future.set_exception(answer)
    else:
        future.set_result(answer)
