"""A screener as a service of its own: a real HTTP server whose answers the test writes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answering = Callable[["ScreenerService", web.Request], Awaitable[web.StreamResponse]]


@dataclass
class ScreenerService:
    """What it was asked, and how it answers."""

    port: int = 0
    says: dict[str, dict[str, Any]] = field(default_factory=dict)
    otherwise: dict[str, Any] = field(default_factory=lambda: {"verdict": "clear", "reference": "case-1"})
    answering: Answering | None = None
    asked: list[list[str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0
    delay: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/screen"

    @property
    def destinations(self) -> Sequence[str]:
        """Everything it was ever asked about, in order."""
        return [value for batch in self.asked for value in batch]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.keys.add(request.headers.get("Authorization", ""))
        asked = (await request.json())["destinations"]
        self.asked.append([one["value"] for one in asked])
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.delay)
            if self.answering is not None:
                return await self.answering(self, request)
            results = [{"id": one["id"], **self.says.get(one["value"], self.otherwise)} for one in asked]
            return web.json_response({"results": results})
        finally:
            self.at_once -= 1


@asynccontextmanager
async def screener_service() -> AsyncIterator[ScreenerService]:
    """The service, for as long as the block lasts."""
    service = ScreenerService()
    app = web.Application(client_max_size=4 * 1024**2)
    app.router.add_post("/screen", service.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.port = runner.addresses[0][1]
    try:
        yield service
    finally:
        await runner.cleanup()
