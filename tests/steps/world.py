"""Where lives with faults are lived: a real database, a provider, and a second engine that goes on meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Protocol
from uuid import UUID

import psycopg
import structlog

from rewardrails import clock, ids
from rewardrails.config import Config
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine.core import Core
from rewardrails.engine.webhooks import fetch_keys, store_notices, verify
from rewardrails.ledger import posting
from rewardrails.secrets import Secret
from rewardrails.security.vault import Vault
from rewardrails.store.sql import sql
from rewardrails.testing.steps import Process, Shift, Steps, started
from tests.support.gates import allow_chains
from tests.support.stage import FUNDED, HEAD, ROUTES, fund

TOOK_LONG = timedelta(minutes=11)
NUMBERS = count(1)


@dataclass(frozen=True, kw_only=True)
class News:
    """Something a provider has to tell: its own name for it, and the request that tells it, as it is sent at a moment."""

    name: str
    request: Callable[[datetime], WebhookRequest]


class Shop(Protocol):
    """A provider, and what its own journal says of a reward, which is known there by its number."""

    environment: Mapping[str, str]
    """Variables that its section refers to."""
    memo: str
    """What it wants beside an address."""
    kind: str
    """The kind of its destinations."""

    def address(self, life: str, number: int) -> str:
        """Where a reward goes, in a life that is called so."""

    def section(self) -> str:
        """Its configuration, as provider `one`."""

    async def enter(self, dsn: str) -> None:
        """Serve the engine on this database from now on."""

    def standing(self, number: int) -> int:
        """How many creations for this reward stand now: accepted, and neither failed, canceled nor returned."""

    def most(self, number: int) -> int:
        """How many of them ever stood at the same moment."""

    def news(self, number: int) -> Sequence[News]:
        """Everything it has to tell of this reward, oldest first."""

    def records(self, number: int) -> Sequence[object]:
        """What its journal says of this reward, for people."""

    async def send_back(self, number: int) -> None:
        """The money comes back."""


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
    landing: dict[int, float] = field(default_factory=dict)

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
        for news in self.untold(number):
            request = news.request(clock.now())
            await fetch_keys(core, "one", request)
            await store_notices(core, [verify(core, "one", request)])
            self.told.add(news.name)

    def untold(self, number: int) -> list[News]:
        """What there is to tell of a reward that nobody has taken yet."""
        return [news for news in self.shop.news(number) if news.name not in self.told]

    async def until_landed(self, number: int) -> None:
        """Wait for a creation that the provider takes only after its caller has hung up."""
        await asyncio.sleep(self.landing.get(number, 0.0))

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
    path.write_text(HEAD % figures + shop.section() + ROUTES % {"last": "one"})
    config, vault = Config.load(path, {"DATABASE_URL": dsn, **shop.environment}), Vault.of_master(Secret("m" * 48))
    structlog.configure(wrapper_class=quiet)
    try:
        with clock.use(shift):
            async with started(dsn, config, vault, Steps()) as rescuer:
                await _settle_in(rescuer.core, config)
                await shop.enter(dsn)
                yield World(dsn=dsn, config=config, vault=vault, shop=shop, shift=shift, rescuer=rescuer)
    finally:
        structlog.reset_defaults()


async def _settle_in(core: Core, config: Config) -> None:
    async with core.database.transaction() as tx:
        await tx.execute(sql("ensure_provider_state"), sorted(config.providers), 0.0)
        for name, pool in config.pools.items():
            await posting.create_pool(tx, name=name, asset=pool.asset, exponent=2, actor="test")
    await fund(core, FUNDED)
    await allow_chains(core)


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
