"""Runs the fake provider: one socket, one event loop, uvicorn without a framework."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable

import uvicorn

from rewardrails.testing.fake_provider.api import Api
from rewardrails.testing.fake_provider.control import PREFIX, Control
from rewardrails.testing.fake_provider.options import Options
from rewardrails.testing.fake_provider.service import Service
from rewardrails.testing.fake_provider.transport import Exchange, Message, OpenProtocol, Receive, Send

BACKLOG = 1024
STOP_SECONDS = 1
KEEP_ALIVE_SECONDS = 60


class App:
    """The ASGI application: control requests to one side, all others to the API."""

    def __init__(self, service: Service) -> None:
        api = Api(service)
        self._api = api
        self._control = Control(service, api)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(scope, receive, send)
        if exchange.path.startswith(PREFIX):
            await self._control(exchange)
        else:
            await self._api(exchange)


async def serve(options: Options, *, ready: Callable[[str], None], end_with_stdin: bool) -> None:
    """Serve until told to stop by a signal, or by the end of standard input; `ready` gets the base URL once."""
    listener = socket.create_server((options.host, options.port), backlog=BACKLOG)
    service = Service(options)
    service.start()
    config = uvicorn.Config(
        App(service),
        loop="none",
        http=OpenProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        backlog=BACKLOG,
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    if end_with_stdin:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _stop_at_end_of_input, server)
    ready(f"http://{options.host}:{listener.getsockname()[1]}")
    try:
        await server.serve(sockets=[listener])
    finally:
        await service.stop()


def _stop_at_end_of_input(server: uvicorn.Server) -> None:
    """Whoever started us is gone: leave too."""
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        server.should_exit = True
