"""uvicorn with a hand on the socket, so that an answer can be cut off, dripped or bloated."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# The shapes of ASGI itself, which are open maps.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

TRANSPORT_KEY = "transport"
Headers = tuple[tuple[bytes, bytes], ...]
JSON_HEADERS: Headers = ((b"content-type", b"application/json"),)
DRIP_SECONDS = 0.2
BLOAT_CHUNK = b" " * 65_536
BLOAT_CHUNKS = 64
MAX_BODY_BYTES = 4_194_304


class OpenProtocol(HttpToolsProtocol):
    """uvicorn's protocol; hands the transport to the application."""

    def on_message_begin(self) -> None:
        """Start a request's scope and put the transport into it."""
        super().on_message_begin()
        self.scope["state"] = {TRANSPORT_KEY: self.transport}


@dataclass(slots=True)
class Exchange:
    """One request and the ways to answer it, good and bad."""

    scope: Message
    receive: Receive
    send: Send

    @property
    def method(self) -> str:
        """GET, POST, ..."""
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """Decoded path without query."""
        return str(self.scope["path"])

    def header(self, name: bytes) -> str:
        """A header's value by its lower-cased name; empty when absent."""
        for key, value in self.scope["headers"]:
            if key == name:
                return bytes(value).decode("latin-1")
        return ""

    async def body(self) -> bytes:
        """The whole body; what goes past `MAX_BODY_BYTES` is dropped, which makes it malformed."""
        received = b""
        while True:
            message = await self.receive()
            if len(received) <= MAX_BODY_BYTES:
                received += message.get("body", b"")
            if not message.get("more_body", False):
                return received

    async def answer(self, status: int, body: bytes, headers: Headers = JSON_HEADERS) -> None:
        """A plain, complete answer."""
        length = (b"content-length", str(len(body)).encode())
        await self.send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await self.send({"type": "http.response.body", "body": body})

    async def cut(self) -> None:
        """Reset the connection without a word."""
        transport: asyncio.Transport = self.scope["state"][TRANSPORT_KEY]
        transport.abort()
        await self.gone()

    async def truncate(self, status: int, body: bytes) -> None:
        """Promise the whole answer, send half, reset."""
        await self._start(status, len(body))
        await self.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await asyncio.sleep(DRIP_SECONDS)
        await self.cut()

    async def drip(self, status: int, body: bytes) -> None:
        """Send the answer byte by byte, slower than anybody waits."""
        await self._start(status, len(body))
        transport: asyncio.Transport = self.scope["state"][TRANSPORT_KEY]
        for place in range(len(body)):
            if transport.is_closing():
                return
            last = place == len(body) - 1
            await self.send({"type": "http.response.body", "body": body[place : place + 1], "more_body": not last})
            await asyncio.sleep(DRIP_SECONDS)

    async def bloat(self, status: int, body: bytes) -> None:
        """Send the answer followed by megabytes of blanks."""
        await self._start(status, len(body) + len(BLOAT_CHUNK) * BLOAT_CHUNKS)
        await self.send({"type": "http.response.body", "body": body, "more_body": True})
        for place in range(BLOAT_CHUNKS):
            more = place < BLOAT_CHUNKS - 1
            await self.send({"type": "http.response.body", "body": BLOAT_CHUNK, "more_body": more})

    async def gone(self) -> None:
        """Wait until the other side has hung up."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _start(self, status: int, length: int) -> None:
        headers = [*JSON_HEADERS, (b"content-length", str(length).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
