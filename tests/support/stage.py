"""The whole engine on stage: fake providers as processes, the real API for their webhooks, workers here or on their own.

What was paid is counted in the providers' journals, never in our own tables.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import msgspec

from rewardrails import clock
from rewardrails.api.server import serve
from rewardrails.bootstrap import opened
from rewardrails.config import Config
from rewardrails.domain.posting import FundingSource
from rewardrails.engine.core import Core
from rewardrails.engine.request import request_of, request_payouts
from rewardrails.ledger import posting
from rewardrails.ledger.invariants import verify
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from rewardrails.testing.fake_provider.journal import Record
from rewardrails.testing.fake_provider.wire import Totals
from rewardrails.worker.worker import Worker
from tests.support.season import reward

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.05
# An outcome that so many questions, the last ones so long after the call, did not clear up stays for people.
ASKED_ENOUGH = 4
LONG_AGO_SECONDS = 3
STOP_SECONDS = 30.0
FUNDED = 10**9
ENDED = frozenset({"paid", "failed", "canceled", "returned"})
FLAGGED = frozenset({"outcome_unknown", "held"})
FAST = ("--settle-seconds", "0.05", "--return-seconds", "0.2", "--late-seconds", "1.5", "--slow-seconds", "1.0")
HEAD = """
environment = "test"
server = { port = %(port)s }
breaker = { failures = %(breaker_failures)s, closed_seconds = %(breaker_seconds)s }

[assets.EUR]
exponent = 2
redeemable = true
[destination_kinds.paypal_email]
parser = "email"
assets = ["EUR"]
[pools.season-eur]
asset = "EUR"
"""
# Campaign `season` is paid by provider `one`, campaign `other` by the last one.
ROUTES = """
[campaigns.season]
jurisdictions = ["DE"]
pools = { EUR = "season-eur" }
[campaigns.other]
jurisdictions = ["DE"]
pools = { EUR = "season-eur" }
[[routes]]
campaign = "other"
destination_kind = "paypal_email"
provider = "%(last)s"
[[routes]]
destination_kind = "paypal_email"
provider = "one"
"""
PROVIDER = """
[providers.%(name)s]
type = "fiat_provider"
adapter = "fake"
enabled = true
call_timeout_seconds = %(call_timeout)s
fees = { basis_points = %(fee_basis_points)s }
%(more)s
[providers.%(name)s.credentials]
api_token = "file:%(folder)s/token"
webhook_secret = "file:%(folder)s/webhook-secret"
[providers.%(name)s.settings]
base_url = "%(url)s"
first_sync_after_seconds = %(first_sync_after)s
%(settings)s
"""


@dataclass(frozen=True, kw_only=True)
class Rail:
    """One fake provider: its process's arguments, and what the configuration says of it (both must tell one story)."""

    name: str = "one"
    arguments: Sequence[str] = ()
    settings: str = ""
    more: str = ""
    call_timeout: float = 3.0
    first_sync_after: float = 30.0
    fee_basis_points: int = 0


# The process's profile, and the adapter settings that say truly what it promises.
LAG = ("--lookup-lag-seconds", "0.4")
PROFILES: Mapping[str, Rail] = {
    "default": Rail(),
    "dedupe-none": Rail(arguments=("--profile", "dedupe-none"), settings='dedupe = "none"'),
    "lookup-absent": Rail(arguments=("--profile", "lookup-absent"), settings='lookup = "provider_reference"'),
    "lookup-late": Rail(arguments=("--profile", "lookup-late", *LAG), settings="lookup_lag_seconds = 0.5"),
    "window-expires": Rail(arguments=("--profile", "window-expires"), settings="dedupe_window_seconds = 2.0"),
    "replays-errors": Rail(arguments=("--profile", "replays-errors"), settings="dedupe_replays_errors = true"),
}


@dataclass(kw_only=True)
class Stage:
    """A running engine without a worker, and the processes around it."""

    core: Core
    rails: Mapping[str, FakeProviderProcess]
    dsn: str
    config: Path
    folder: Path
    api: str
    environment: Mapping[str, str] = field(default_factory=dict)
    payouts: list[UUID] = field(default_factory=list)

    @property
    def one(self) -> FakeProviderProcess:
        """The first provider."""
        return self.rails["one"]

    async def pay(self, *numbers: int, campaign: str = "season", amount_minor: int = 1000) -> list[UUID]:
        """Take on rewards by number; answers their payouts' ids."""
        rewards = [reward(number, campaign=campaign, amount_minor=amount_minor) for number in numbers]
        results = await request_payouts(self.core, [request_of(self.core, one) for one in rewards], "test")
        made = [result.payout_id for result in results if result.payout_id is not None]
        assert len(made) == len(numbers)
        self.payouts += made
        return made

    async def states(self) -> dict[UUID, str]:
        """Every payout's state."""
        rows = await self.rows("SELECT id, state::text AS state FROM payout")
        return {row["id"]: row["state"] for row in rows}

    async def counts(self) -> Counter[str]:
        """How many payouts are in each state."""
        return Counter((await self.states()).values())

    async def rows(self, statement: str, *arguments: object) -> Sequence[Mapping[str, object]]:
        """What a question to the database answers."""
        async with self.core.database.reading() as connection:
            return await connection.fetch(statement, *arguments)

    async def until(
        self, what: Callable[[], Awaitable[bool]], *, hurry: bool = False, seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Wait until it is so; with `hurry` every schedule that is waiting is made due again and again."""
        end = clock.monotonic() + seconds
        while not await what():
            assert clock.monotonic() < end, f"it never came to be; payouts: {await self.counts()}"
            if hurry:
                await self.hurry()
            await asyncio.sleep(LOOK_SECONDS)

    async def until_all(self, *wanted: str, hurry: bool = False) -> None:
        """Wait until every payout is in one of these states."""

        async def so() -> bool:
            return set(await self.counts()) <= set(wanted)

        await self.until(so, hurry=hurry)

    async def until_settled(self, *, seconds: float = 60.0) -> None:
        """Wait, hurrying, until every payout has ended or stays flagged for people however often its rail is asked."""

        async def asked_enough() -> bool:
            rows = await self.rows(
                "SELECT 1 FROM payout p LEFT JOIN attempt a ON a.payout_id = p.id"
                " AND a.state IN ('sending', 'accepted', 'unknown')"
                " WHERE p.state NOT IN ('paid', 'failed', 'canceled', 'returned', 'held')"
                " AND NOT (p.state = 'outcome_unknown' AND a.syncs >= $1"
                " AND a.sent_at < rr_now() - $2::int * interval '1 second') LIMIT 1",
                ASKED_ENOUGH,
                LONG_AGO_SECONDS,
            )
            return not rows

        await self.until(asked_enough, hurry=True, seconds=seconds)

    async def until_told(self) -> None:
        """Wait until no provider has a webhook left to deliver, and each that was delivered has been looked at."""

        async def so() -> bool:
            waiting = await self.rows("SELECT 1 FROM webhook_inbox WHERE state = 'waiting' AND code IS NULL")
            return not waiting and not any(one.pending_webhooks for one in (await self.totals()).values())

        await self.until(so, hurry=True, seconds=120.0)

    async def hurry(self) -> None:
        """Make every payout and every question to a rail due now; when things were sent stays true."""
        await self._alter("UPDATE payout SET due_at = rr_now() WHERE state = 'ready' AND due_at > rr_now()")
        await self._alter("UPDATE attempt SET sync_due_at = rr_now() WHERE sync_due_at > rr_now()")

    async def expire_leases(self) -> None:
        """Make every lease lapse, as if its worker had been gone for long."""
        await self._alter(
            "UPDATE attempt SET lease_until = rr_now() - interval '1 second',"
            " sent_at = sent_at - interval '1 minute' WHERE state = 'sending'"
        )

    async def _alter(self, statement: str) -> None:
        """One change of many rows, again after a deadlock: in no order, it may meet the engine's ordered ones."""
        await self.core.database.run(lambda tx: tx.execute(statement))

    async def totals(self) -> dict[str, Totals]:
        """What the providers' journals say."""
        return {name: await rail.control.totals() for name, rail in self.rails.items()}

    def journal(self, name: str = "one") -> list[Record]:
        """Every whole record of a provider's journal."""
        decoder = msgspec.json.Decoder(Record)
        return [decoder.decode(line) for line in self.rails[name].journal.read_bytes().splitlines()]

    async def standing(self) -> Counter[str]:
        """Creations that were accepted and not returned, per payout (32 hex digits), over all providers."""
        found: Counter[str] = Counter()
        for totals in (await self.totals()).values():
            found.update(totals.standing_by_payout)
        return found

    async def assert_nobody_paid_twice(self) -> None:
        """At most one standing creation per payout; none for one that we call failed or canceled; one for a paid one."""
        standing, states = await self.standing(), await self.states()
        assert {payout: count for payout, count in standing.items() if count > 1} == {}
        for payout_id, state in states.items():
            match state:
                case "paid":
                    assert standing[payout_id.hex] == 1, f"{payout_id} is paid here and not at the provider"
                case "failed" | "canceled" | "returned":
                    assert standing[payout_id.hex] == 0, f"{payout_id} is {state} here and stands at the provider"
        assert standing.keys() <= {payout_id.hex for payout_id in states}

    async def assert_true_to_the_journals(self) -> None:
        """Nobody paid twice, every payout ended or flagged, books balanced and equal to the providers' own sums."""
        await self.assert_nobody_paid_twice()
        assert set(await self.counts()) <= ENDED | FLAGGED
        assert (await verify(self.core.database)).broken == ()
        if set(await self.counts()) <= ENDED:
            paid = await self.rows("SELECT COALESCE(sum(balance), 0)::bigint AS paid FROM account WHERE name = 'paid'")
            told = sum(sum(totals.paid_minor_by_asset.values()) for totals in (await self.totals()).values())
            assert paid[0]["paid"] == told

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Worker]:
        """A worker in this process, until the block ends and what is in flight has come home."""
        worker = Worker(self.core)
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
            await asyncio.wait_for(running, STOP_SECONDS)

    @asynccontextmanager
    async def worker_process(self) -> AsyncIterator["WorkerProcess"]:
        """A worker that is a process of its own; killed at the end if it is still there."""
        process = WorkerProcess(self)
        await asyncio.to_thread(process.launch)
        try:
            yield process
        finally:
            await asyncio.to_thread(process.kill)


class WorkerProcess:
    """`rewardrails worker`, or another command that stays (`serve`: API and worker), under a test's thumb."""

    def __init__(self, stage: Stage, command: str = "worker") -> None:
        where = ("--json", "--config", str(stage.config), "--folder", str(stage.folder))
        self._command = [sys.executable, "-m", "rewardrails.cli", *where, command, "--end-with-stdin"]
        self._env = {**os.environ, **stage.environment, "DATABASE_URL": stage.dsn}
        self._log = stage.folder / "worker.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.name = ""

    def launch(self) -> None:
        """Start it and wait until it works."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._log.read_text()
        self.name = json.loads(line).get("worker", "")

    def lives(self) -> bool:
        """Whether it runs, frozen or not."""
        return self._process is not None and self._process.poll() is None

    def freeze(self) -> None:
        """SIGSTOP: it stands still, mid-instruction, and keeps its connections."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, frozen or not; nothing when it is gone already."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _signal(self, which: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(which)


@asynccontextmanager
async def on_stage(
    folder: Path,
    dsn: str,
    *rails: Rail,
    breaker_failures: int = 1000,
    breaker_seconds: float = 5.0,
    funded: int = FUNDED,
) -> AsyncIterator[Stage]:
    """An engine on `dsn` with these providers (one with the default profile, if none is named) and a funded pool."""
    rails = rails or (Rail(),)
    port = _free_port()
    processes = {rail.name: _process(rail, folder, port) for rail in rails}
    async with AsyncExitStack() as stack:
        for process in processes.values():
            stack.push_async_callback(process.stop)
        await asyncio.gather(*(process.start() for process in processes.values()))
        path = folder / "rewardrails.toml"
        figures = {"port": port, "breaker_failures": breaker_failures, "breaker_seconds": breaker_seconds}
        sections = [_section(rail, processes[rail.name]) for rail in rails]
        path.write_text(HEAD % figures + "".join(sections) + ROUTES % {"last": rails[-1].name})
        config = Config.load(path, {"DATABASE_URL": dsn})
        core = await stack.enter_async_context(opened(config, folder=folder, process="test"))
        await fund(core, funded)
        await stack.enter_async_context(_serving(core, port))
        yield Stage(
            core=core,
            rails=processes,
            dsn=dsn,
            config=path,
            folder=folder,
            api=f"http://127.0.0.1:{port}",
        )


async def fund(core: Core, amount_minor: int) -> None:
    """Put so many smallest units into every pool."""
    async with core.database.transaction() as tx:
        for pool_id, _ in (await posting.pools_by_name(tx)).values():
            if amount_minor:
                await posting.fund(
                    tx,
                    pool_id=pool_id,
                    source=FundingSource.SPONSOR,
                    amount_minor=amount_minor,
                    reference="",
                    actor="test",
                )


def _process(rail: Rail, folder: Path, port: int) -> FakeProviderProcess:
    hook = ("--webhook-url", f"http://127.0.0.1:{port}/v1/webhooks/{rail.name}")
    return FakeProviderProcess(folder / rail.name, arguments=(*FAST, *hook, *rail.arguments))


def _section(rail: Rail, process: FakeProviderProcess) -> str:
    return PROVIDER % {
        "name": rail.name,
        "call_timeout": rail.call_timeout,
        "fee_basis_points": rail.fee_basis_points,
        "more": rail.more,
        "folder": process.folder,
        "url": process.url,
        "first_sync_after": rail.first_sync_after,
        "settings": rail.settings,
    }


@asynccontextmanager
async def _serving(core: Core, port: int) -> AsyncIterator[None]:
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(
        serve(core, host="127.0.0.1", port=port, stop=stop, on_ready=lambda _port: ready.set())
    )
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        waiting.cancel()
        stop.set()
        await serving


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
