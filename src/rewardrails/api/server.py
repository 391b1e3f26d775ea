"""Serving the API inside the running event loop."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from rewardrails.api.app import create_app
from rewardrails.api.connection import Connection
from rewardrails.engine.core import Core

GRACE_SECONDS = 15
KEEP_ALIVE_SECONDS = 30
BACKLOG = 2048


class _Server(uvicorn.Server):
    """Leaves signals to whoever owns the loop, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    core: Core, *, host: str, port: int, stop: asyncio.Event, on_ready: Callable[[int], None] | None = None
) -> None:
    """Serve until `stop` is set, then finish the requests under way.

    `on_ready` is told the port once connections are taken (port 0 takes a free one). Raises `OSError`, whose `filename`
    is the address, when it cannot be bound.
    """
    with _listening(host, port) as listening:
        server = _Server(_settings(core))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            await _either(serving, server.listening)
            if server.started and on_ready is not None:
                on_ready(listening.getsockname()[1])
            await _either(serving, stop)
        finally:
            server.should_exit = True
            await serving


def _listening(host: str, port: int) -> socket.socket:
    # asyncio turns Nagle's delay off only where the socket says that it is TCP; `socket.create_server` does not say it.
    listening = socket.socket(
        socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
    return listening


def _settings(core: Core) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(core),
        loop="none",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


async def _either(serving: "asyncio.Task[None]", event: asyncio.Event) -> None:
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
