"""A vendor's double in a thread and an event loop of its own, so that what befalls an engine's process does not befall it."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from tests.vendors.relay import Relay
from tests.vendors.vendors import Vendor

T = TypeVar("T")
PATIENCE_SECONDS = 20.0


class Hosted:
    """Runs one double while it is open; whoever asks it something waits for the answer, from any thread."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.double: Any = None
        self.relay: Relay | None = None
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
            self.ask(self._close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE_SECONDS)
            self._loop.close()

    def ask(self, what: Coroutine[Any, Any, T]) -> T:
        """Have the double's own thread do this; answers what came of it."""
        return self.start(what).result(PATIENCE_SECONDS)

    def start(self, what: Coroutine[Any, Any, T]) -> Future[T]:
        """Have the double's own thread do this, and wait for nothing."""
        return asyncio.run_coroutine_threadsafe(what, self._loop)

    async def outage(self, seconds: float) -> None:
        """Nobody gets through to the vendor for a while."""
        assert self.relay is not None
        self.relay.go_away()
        await asyncio.sleep(seconds)
        self.relay.come_back()

    async def _open(self) -> Any:
        double = await self.vendor.double().__aenter__()
        url = urlsplit(double.url)
        self.relay = await Relay(url.port or 0).__aenter__()
        double.url = url._replace(netloc=f"127.0.0.1:{self.relay.port}").geturl()
        return double

    async def _close(self) -> None:
        await self.double.__aexit__(None, None, None)
        if self.relay is not None:
            await self.relay.__aexit__(None, None, None)
