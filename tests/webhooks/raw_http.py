"""HTTP by hand over a real socket: what a polite client would never send."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rewardrails.domain.webhook import WebhookRequest

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; status 0 when the other side closed without one."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def head(provider: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A request's head."""
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return b"POST /v1/webhooks/" + provider.encode() + b" HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n"


def as_bytes(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as they would leave a client that encodes UTF-8."""
    return [(name.encode(), value.encode("utf-8", "surrogatepass")) for name, value in headers.items()]


async def post(port: int, provider: str, request: WebhookRequest, *more: tuple[bytes, bytes]) -> Reply:
    """Deliver a notice on a connection of its own."""
    length = (b"Content-Length", str(len(request.body)).encode())
    return await exchange(port, head(provider, [*as_bytes(request.headers), length, *more]) + request.body)


async def exchange(port: int, *pieces: bytes, pause_seconds: float = 0.0) -> Reply:
    """Send pieces, with a pause after each; answers what came back before the other side had enough."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = asyncio.ensure_future(_answer(reader))
            try:
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    if pause_seconds:
                        await asyncio.wait({answer}, timeout=pause_seconds)
                    if answer.done():
                        break
            except ConnectionError:
                pass  # it had enough: what it said before counts
            return await answer
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> Reply:
    try:
        top = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in top.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return Reply(int(top.split(b" ", 2)[1]), await reader.readexactly(length))
    except (ConnectionError, asyncio.IncompleteReadError):
        return Reply(0, b"")
