"""Everything that runs beside the demo: the fake rails and `rewardrails serve`, each a process of its own."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from rewardrails.demo.rails import RAILS, configuration, process_of

CONFIG_NAME = "rewardrails.toml"
LOG_NAME = "serve.log"
STOP_SECONDS = 30.0
# The demo never touches a database or uses a key that happens to be named in the environment.
_NOT_OURS = ("DATABASE_URL", "REWARDRAILS_API_KEY", "REWARDRAILS_DEBUG")


def environment() -> Mapping[str, str]:
    """The environment of the demo's processes."""
    return {name: value for name, value in os.environ.items() if name not in _NOT_OURS}


@asynccontextmanager
async def rails_running(folder: Path) -> AsyncIterator[Path]:
    """The fake rails, for as long as the block lasts; yields the configuration that names them."""
    port = _free_port()
    processes = [process_of(rail, folder / "rails", port) for rail in RAILS]
    async with AsyncExitStack() as stack:
        for process in processes:
            stack.push_async_callback(process.stop)
        await asyncio.gather(*(process.start() for process in processes))
        path = folder / CONFIG_NAME
        path.write_text(configuration(port, processes), encoding="utf-8")
        yield path


@asynccontextmanager
async def serve_running(folder: Path, config: Path) -> AsyncIterator[str]:
    """`rewardrails serve`, for as long as the block lasts; yields its address. Raises `RuntimeError`."""
    with (folder / LOG_NAME).open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *_command(folder, config),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment(),
            start_new_session=True,  # Ctrl-C is for the demo: it stops its processes in order
        )
    try:
        yield await _ready(process, folder)
    finally:
        await _stop(process)


def _command(folder: Path, config: Path) -> Sequence[str]:
    where = ("--config", str(config), "--folder", str(folder), "--json")
    return (sys.executable, "-m", "rewardrails.cli", *where, "serve", "--end-with-stdin")


async def _ready(process: asyncio.subprocess.Process, folder: Path) -> str:
    if process.stdout is None:
        raise AssertionError("its standard output is a pipe")
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError(f"'rewardrails serve' ended before it was ready: see {folder / LOG_NAME}")
    return str(json.loads(line)["url"])


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.communicate(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.communicate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
