"""A vendor's double in a thread and an event loop of its own, so that what befalls an engine's process does not befall it."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.vendors.vendors import Vendor

T = TypeVar("T")
PATIENCE_SECONDS = 20.0


class Hosted:
    """Runs one double while it is open; whoever asks it something waits for the answer, from any thread."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.double: Any = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"{vendor.adapter}-double", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.double = self.ask(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.ask(self.double.__aexit__(None, None, None))
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE_SECONDS)
            self._loop.close()

    def ask(self, what: Coroutine[Any, Any, T]) -> T:
        """Have the double's own thread do this; answers what came of it."""
        asked: Future[T] = asyncio.run_coroutine_threadsafe(what, self._loop)
        return asked.result(PATIENCE_SECONDS)

    async def _open(self) -> object:
        return await self.vendor.double().__aenter__()
