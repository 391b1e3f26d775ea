"""Where lives with faults are lived: a real database, the fake provider's process, and a second engine that goes on meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

import psycopg
import structlog
from standardwebhooks import Webhook

from rewardrails import clock, ids
from rewardrails.config import Config
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine.core import Core
from rewardrails.engine.webhooks import store_notices, verify
from rewardrails.ledger import posting
from rewardrails.secrets import Secret
from rewardrails.security.vault import Vault
from rewardrails.store.sql import sql
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from rewardrails.testing.fake_provider.journal import Noticed
from rewardrails.testing.steps import Process, Shift, Steps, started
from tests.steps.truth import Truth
from tests.support.stage import FUNDED, HEAD, PROFILES, ROUTES, Rail, _section, fund

LAG = "0.02"
OFFERED: Mapping[str, Rail] = {
    **PROFILES,
    "lookup-late": Rail(
        arguments=("--profile", "lookup-late", "--lookup-lag-seconds", LAG), settings=f"lookup_lag_seconds = {LAG}"
    ),
    "not-authoritative": Rail(settings="lookup_is_authoritative = false"),
}
# Nobody listens there: notices are taken from the provider's journal and handed over by the life itself.
NOWHERE = "http://127.0.0.1:9/"
CALL_SECONDS = 0.25
LATE_SECONDS = 0.4
TOOK_LONG = timedelta(minutes=11)
TIMING = ("--settle-seconds", "0", "--return-seconds", "0", "--late-seconds", str(LATE_SECONDS))
BY_DESTINATION = ("settle", "webhook", "never_notify", "stuck", "refuse", "lose_reply", "error_before")
NUMBERS = count(1)


@dataclass(kw_only=True)
class Shop:
    """A fake provider that serves many tests, with what its journal says."""

    rail: Rail
    process: FakeProviderProcess
    truth: Truth
    ruled: bool = False

    async def meet(self, number: int, behaviour: str, *, times: int | None) -> None:
        """The next creations (None: all) for one reward are met with that behaviour."""
        await self.process.control.behave(behaviour, destination=f"*.{number}@*", times=times)

    async def rule(self) -> None:
        """Meet creations to `<behaviour>.<n>@...` with that behaviour."""
        if not self.ruled:
            self.ruled = True
            await self.process.control.hold_webhooks()  # else thousands of them knock where nobody listens, ever again
            for behaviour in BY_DESTINATION:
                await self.process.control.behave(behaviour, destination=f"{behaviour}.*")


class Shops:
    """One fake provider per profile, started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, Shop] = {}

    def __getitem__(self, profile: str) -> Shop:
        if profile not in self._open:
            rail = OFFERED[profile]
            arguments = (*rail.arguments, *TIMING, "--webhook-url", NOWHERE)
            process = FakeProviderProcess(self._folder / profile, arguments=arguments)
            process.launch()
            self._open[profile] = Shop(
                rail=Rail(arguments=rail.arguments, settings=rail.settings, call_timeout=CALL_SECONDS),
                process=process,
                truth=Truth(process),
            )
        return self._open[profile]

    def close(self) -> None:
        """End them all."""
        for shop in self._open.values():
            shop.process.end()


@dataclass(kw_only=True)
class World:
    """One database and one provider, whose lives follow each other."""

    dsn: str
    config: Config
    vault: Vault
    shop: Shop
    shift: Shift
    rescuer: Process
    told: set[str] = field(default_factory=set)
    landing: set[int] = field(default_factory=set)

    def process(self, steps: Steps) -> "asynccontextmanager[Process]":
        """A process of the engine, beginning now."""
        return started(self.dsn, self.config, self.vault, steps)

    async def later(self) -> None:
        """Let leases, schedules and back-offs lapse."""
        await self.shift.pass_by(self.rescuer.database, TOOK_LONG)

    async def rescue(self, *numbers: int, rounds: int = 1, hears: bool = True) -> None:
        """Another process does ordinary rounds, each after a while; with `hears`, notices about these rewards come in."""
        other = fresh(self.rescuer)
        for _ in range(rounds):
            await self.later()
            if hears:
                for number in numbers:
                    await self.hear(other.core, number)
            await other.round()

    async def hear(self, core: Core, number: int) -> None:
        """Hand over what the provider has to tell of a reward and was not thanked for yet, as it would itself."""
        signer = Webhook(self.shop.process.webhook_secret)
        for notice in self.untold(number):
            at = datetime.fromtimestamp(int(clock.now().timestamp()), UTC)
            headers = {
                "webhook-id": notice.event,
                "webhook-timestamp": str(int(at.timestamp())),
                "webhook-signature": signer.sign(notice.event, at, notice.body),
            }
            request = WebhookRequest(body=notice.body.encode(), headers=headers, received_at=clock.now())
            await store_notices(core, [verify(core, "one", request)])
            self.told.add(notice.event)

    def untold(self, number: int) -> list[Noticed]:
        """Notices about a reward that nobody has taken yet."""
        return [notice for notice in self.shop.truth.notices(number) if notice.event not in self.told]

    async def until_landed(self, number: int) -> None:
        """Wait for a creation that the provider takes only after its caller has hung up."""
        if number in self.landing:
            await asyncio.sleep(LATE_SECONDS)

    async def rows(self, statement: str, *arguments: object) -> list[Mapping[str, object]]:
        """What a question to the database answers."""
        async with self.rescuer.database.reading() as connection:
            return await connection.fetch(statement, *arguments)

    async def has_waiting_notices(self) -> bool:
        """Whether something was heard that nobody has applied."""
        return bool(await self.rows("SELECT FROM webhook_inbox WHERE state = 'waiting' LIMIT 1"))

    async def payout(self, number: int) -> tuple[UUID, str] | None:
        """The payout of a reward, and its state."""
        rows = await self.rows("SELECT id, state::text AS state FROM payout WHERE reward_id = $1", f"r-{number}")
        return (rows[0]["id"], rows[0]["state"]) if rows else None


def fresh(process: Process) -> Process:
    """Another process that shares nothing with this one but connections, which remember nothing."""
    core = Core(
        database=process.core.database,
        vault=process.core.vault,
        config=process.core.config,
        providers=process.core.providers,
        actor=f"rescuer-{ids.new_token(4)}",
    )
    return Process(core=core, database=process.database, steps=process.steps, born=process.born)


@asynccontextmanager
async def a_world(folder: Path, dsn: str, shop: Shop) -> AsyncIterator[World]:
    """A world of this test's own at a provider's shop."""
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute(Shift.installing())
    quiet = structlog.make_filtering_bound_logger(50)
    shift = Shift()
    path = folder / "rewardrails.toml"
    figures = {"port": 1, "breaker_failures": 10**6, "breaker_seconds": 5.0}
    path.write_text(HEAD % figures + _section(shop.rail, shop.process) + ROUTES % {"last": "one"})
    config, vault = Config.load(path, {"DATABASE_URL": dsn}), Vault.of_master(Secret("m" * 48))
    structlog.configure(wrapper_class=quiet)
    try:
        with clock.use(shift):
            async with started(dsn, config, vault, Steps()) as rescuer:
                await _settle_in(rescuer.core, config)
                await shop.rule()
                yield World(dsn=dsn, config=config, vault=vault, shop=shop, shift=shift, rescuer=rescuer)
    finally:
        structlog.reset_defaults()


async def _settle_in(core: Core, config: Config) -> None:
    async with core.database.transaction() as tx:
        await tx.execute(sql("ensure_provider_state"), sorted(config.providers), 0.0)
        for name, pool in config.pools.items():
            await posting.create_pool(tx, name=name, asset=pool.asset, exponent=2, actor="test")
    await fund(core, FUNDED)


async def trouble_with(act: Callable[[], Awaitable[object]], *, tries: int) -> Exception | None:
    """Act as a client does who tries again after an error; answers the last one, None when it went well in the end."""
    trouble: Exception | None = None
    for _ in range(tries):
        try:
            await act()
        except Exception as error:  # what went wrong is the fault's business
            trouble = error
        else:
            return None
    return trouble
