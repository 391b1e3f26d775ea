"""A database, a fake provider and child processes for one measurement; everything ends with this process."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import psutil

from rewardrails import clock, ids
from rewardrails.bootstrap import opened
from rewardrails.config import Config
from rewardrails.domain.destination import Destination
from rewardrails.domain.policy.case import ListKind
from rewardrails.domain.posting import FundingSource
from rewardrails.domain.reward import RewardRow
from rewardrails.engine.addresses import NewList, load_list
from rewardrails.engine.core import Core
from rewardrails.engine.pauses import PauseScope, active, lift, pause
from rewardrails.engine.request import request_of, request_payouts
from rewardrails.ledger import posting
from rewardrails.store.embedded import EmbeddedPostgres
from rewardrails.store.sql import sql
from rewardrails.testing.fake_provider.client import FakeProviderProcess

EVENT_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WAIT_SECONDS = 600.0
POLL_SECONDS = 0.25
CONFIG = """
environment = "test"
[worker]
calls_at_once = 256
[assets]
EUR = {{ exponent = 2, redeemable = true }}
[destination_kinds.paypal_email]
parser = "email"
assets = ["EUR"]
[pools.bench]
asset = "EUR"
[campaigns.bench]
jurisdictions = ["DE"]
pools = {{ EUR = "bench" }}
[providers.fake]
type = "fiat_provider"
adapter = "fake"
enabled = true
max_in_flight = 1000
settings = {{ base_url = "{url}" }}
credentials = {{ api_token = "env:BENCH_TOKEN", webhook_secret = "env:BENCH_WEBHOOK_SECRET" }}
[[routes]]
destination_kind = "paypal_email"
provider = "fake"
"""
# Nobody is stopped by them; everybody is asked.
GATES = """
[destination_kinds.paypal_email.rules]
screened = true
cooling_off_hours = 0
max_players = 1000
prove_above = { EUR = "1000000" }
[risk]
hold_from = 90
[[limits]]
name = "player"
per = "player"
hours = 24
asset = "EUR"
max_count = 1000000
[[limits]]
name = "everything"
per = "everything"
window = "calendar_day"
asset = "EUR"
max_amount = "1000000000"
"""
LISTED = 10_000
ENDPOINT = """
[[events.endpoints]]
name = "game"
url = "http://127.0.0.1:{port}/"
secret = "env:BENCH_EVENT_SECRET"
allow_private = true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One measurement's surroundings: its own database, its configuration and the environment its children need."""

    core: Core
    config_text: str = field(repr=False)
    env: dict[str, str] = field(repr=False)
    fake: FakeProviderProcess
    api_port: int

    @contextmanager
    def child(self, role: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """A child of `bench.child` in this role, ready when this yields."""
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.child", role, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | self.env | {"BENCH_CONFIG": self.config_text},
        )
        try:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError(f"the bench's {role} did not start")
            yield process
        finally:
            process.kill()
            process.wait()

    @staticmethod
    def go(child: "subprocess.Popen[str]") -> None:
        """Let a client child begin."""
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()

    def fake_pid(self) -> int:
        """The fake provider's process id."""
        children = psutil.Process().children()
        return int(next(one.pid for one in children if str(self.fake.folder) in one.cmdline()))

    @asynccontextmanager
    async def owner(self) -> "AsyncIterator[asyncpg.Connection]":
        """A connection as the database's owner."""
        connection = await asyncpg.connect(self.env["DATABASE_URL"])
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def surroundings(
    server: EmbeddedPostgres, *, endpoint_port: int | None = None, gates: str = ""
) -> AsyncIterator[World]:
    """A fresh database with a funded pool, and a fake provider that accepts at once and settles by webhook."""
    name = f"bench_{ids.new_id().hex}"
    server.ensure_database(name)
    api_port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        hook = f"http://127.0.0.1:{api_port}/v1/webhooks/fake"
        fake = FakeProviderProcess(
            Path(folder),
            arguments=[
                "--mix",
                "webhook=1",
                "--webhook-url",
                hook,
                "--settle-seconds",
                "0.05",
                "--webhook-concurrency",
                "64",
            ],
        )
        fake.launch()
        env = {
            "DATABASE_URL": server.dsn(name),
            "BENCH_TOKEN": fake.token,
            "BENCH_WEBHOOK_SECRET": fake.webhook_secret,
            "BENCH_EVENT_SECRET": EVENT_SECRET,
            "BENCH_FOLDER": folder,
        }
        text = CONFIG.format(url=fake.url) + gates + (ENDPOINT.format(port=endpoint_port) if endpoint_port else "")
        try:
            async with opened(Config.parse(text, env), folder=Path(folder), process="bench") as core:
                await _fund(core)
                if gates:
                    await _list_some(core)
                yield World(core=core, config_text=text, env=env, fake=fake, api_port=api_port)
        finally:
            fake.end()


async def _list_some(core: Core) -> None:
    listed = NewList(
        name="bench",
        kind=ListKind.SANCTIONS,
        source="bench",
        dated=clock.now(),
        sha256=b"s" * 32,
        entries=tuple(f"listed{number}@example.org" for number in range(LISTED)),
    )
    await load_list(core, listed, actor="bench")


async def _fund(core: Core) -> None:
    async with core.database.transaction() as tx:
        (pool,) = await posting.list_pools(tx)
        await posting.fund(
            tx, pool_id=pool.id, source=FundingSource.MANUAL_TEST, amount_minor=10**15, reference="bench", actor="bench"
        )


def reward(number: int) -> RewardRow:
    """Reward `number` of the bench's campaign."""
    return RewardRow(
        campaign="bench",
        reward_id=f"r-{number:09d}",
        player_id=f"player:{number}",
        amount_minor=1000 + number % 1000,
        asset="EUR",
        jurisdiction="DE",
        destination=Destination(kind="paypal_email", value=f"player{number}@example.org"),
    )


async def take_on(core: Core, count: int) -> None:
    """Make `count` payouts ready."""
    for start in range(0, count, 1000):
        rows = [request_of(core, reward(number)) for number in range(start, min(start + 1000, count))]
        await request_payouts(core, rows, "bench")


@asynccontextmanager
async def held_back(core: Core) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Nothing is sent until the yielded function is called, so that start-up is not measured."""
    made = await pause(core, scope=PauseScope.EVERYTHING, subject="", reason="bench", actor="bench")

    async def go() -> None:
        await lift(core, pause_id=made.id, actor="bench")

    yield go
    for left in await active(core):
        await lift(core, pause_id=left.id, actor="bench")


async def until(core: Core, statement: str, wanted: int) -> None:
    """Wait until a counting statement answers `wanted`. Raises `TimeoutError`."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            async with core.database.reading() as connection:
                if await connection.fetchval(statement) >= wanted:
                    return
            await asyncio.sleep(POLL_SECONDS)  # seldom: counting costs the server


async def workers_seen(core: Core, wanted: int) -> None:
    """Wait until so many workers have shown that they live."""
    async with asyncio.timeout(60):
        while True:
            async with core.database.reading() as connection:
                if len(await connection.fetch(sql("live_workers"))) >= wanted:
                    return
            await asyncio.sleep(0.05)


def answer_of(process: "subprocess.Popen[str]") -> dict[str, float]:
    """The JSON line a client child prints when it is done."""
    assert process.stdout is not None
    return dict(json.loads(process.stdout.readline()))


def free_port() -> int:
    """A port nobody listens on just now."""
    import socket  # noqa: PLC0415 - used here only

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def rate(self, count: int) -> float:
        """`count` things in the time since it was made, per second."""
        return count / (time.perf_counter() - self._start)


def median(values: Sequence[float]) -> float:
    """The middle one of the rounds."""
    return sorted(values)[len(values) // 2]
