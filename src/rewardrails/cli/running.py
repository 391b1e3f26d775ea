"""Processes that run until they are told to stop."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rewardrails.cli.output import Output
from rewardrails.config import Config
from rewardrails.observability import log

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
READ_BYTES = 4096


@contextmanager
def stopping(*, with_stdin: bool = False) -> Iterator[asyncio.Event]:
    """An event that the first SIGINT or SIGTERM sets; a second one ends the process at once.

    `with_stdin` also sets it when standard input ends, so that a child does not outlive its parent.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def asked() -> None:
        stop.set()
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, asked)
    if with_stdin:
        loop.add_reader(sys.stdin.fileno(), _read_stdin, loop, stop)
    try:
        yield stop
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
        if with_stdin:
            loop.remove_reader(sys.stdin.fileno())


def prepare(config: Config, output: Output) -> None:
    """Log as configured, and say what this process may do before it does anything."""
    log.configure(level=config.logging.level.upper())
    logging.getLogger("alembic").setLevel(logging.WARNING)  # `database_migrated` says it all
    for line in config.describe_switches():
        output.say(line)
    collect_seldom()


def collect_seldom() -> None:
    """Look for cycles seldom: a payout makes many objects and hardly a cycle, and looking took a fifth of a worker's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _read_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), READ_BYTES):
        loop.remove_reader(sys.stdin.fileno())
        stop.set()
