"""One process of the engine inside this one: its own connections, providers and name, and an end without goodbye."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import EntryPoint
from typing import Any

import structlog

from rewardrails import ids
from rewardrails.config import Config
from rewardrails.engine.batches import start_chunk
from rewardrails.engine.core import Core
from rewardrails.engine.send import Budget
from rewardrails.engine.webhooks import apply_notices
from rewardrails.events.seal import seal
from rewardrails.providers.base import RewardPayoutProvider
from rewardrails.providers.registry import announced_adapters, build, context_of
from rewardrails.security.vault import Vault
from rewardrails.store.database import assert_no_transaction
from rewardrails.testing.steps.database import SteppedDatabase
from rewardrails.testing.steps.fault import Gone, Steps
from rewardrails.testing.steps.http import SteppedHttp
from rewardrails.worker.rail import Pauses, RailRunner, RailSettings

# Turns follow each other through one connection, so that the same life has the same steps in the same order.
CONNECTIONS = 1
CALLS_AT_ONCE = 8
NOTICES = 100
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A core whose every step is counted."""

    core: Core
    database: SteppedDatabase
    steps: Steps
    born: frozenset["asyncio.Task[object]"] = field(repr=False)

    async def round(self) -> None:
        """What a worker does, once each: start batches, send, recover, ask, apply notices, seal.

        An error ends its own turn only, as in a worker's loops. Raises `Gone` when the process ends on the way.
        """
        await self.start_batches()
        await self.work_rails()
        await self.apply_notices()
        await self.seal()

    async def start_batches(self) -> None:
        """Make payouts of the rows of started batches."""
        await self._turn(lambda: start_chunk(self.core))

    async def work_rails(self) -> None:
        """Send, recover, ask and give up, each once and all side by side, for every provider."""
        for provider in self.core.providers.values():
            await self._turn(partial(self._work, provider))

    async def apply_notices(self) -> None:
        """Apply stored notices."""
        await self._turn(lambda: apply_notices(self.core, NOTICES))

    async def seal(self) -> None:
        """Give new events their place in the log."""
        await self._turn(lambda: seal(self.core.database, []))

    async def end(self) -> None:
        """End on the spot: tasks stop where they are, connections break."""
        self.steps.gone = True
        self.database.vanish()
        running = asyncio.current_task()
        mine = {task for task in asyncio.all_tasks() if task not in self.born and task is not running}
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)
        for provider in self.core.providers.values():
            await provider.close()

    async def _turn(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except Exception as error:  # the edge: as a worker's loop, whose next round comes
            log.info("turn_failed", reason=type(error).__name__)
        if self.steps.gone:
            raise Gone

    async def _work(self, provider: RewardPayoutProvider) -> None:
        """One turn of each loop of a provider's runner: it is told to stop as soon as all have begun."""
        budget = Budget(max_in_flight=CALLS_AT_ONCE, rate_per_second=None, burst=1.0)
        settings = RailSettings(sends=True, calls_at_once=CALLS_AT_ONCE, budget=budget, breaker_failures=10**6)
        stop = asyncio.Event()
        running = asyncio.create_task(RailRunner(self.core, provider, settings, Pauses()).run(stop))
        for _ in range(3):
            await asyncio.sleep(0)
        stop.set()
        while not running.done() and not self.steps.gone:
            await asyncio.wait({running}, timeout=0.02)
        if running.done():
            running.result()


@asynccontextmanager
async def started(dsn: str, config: Config, vault: Vault, steps: Steps) -> AsyncIterator[Process]:
    """A process at work with every configured provider; ended without goodbye when the block ends."""
    asyncio.get_running_loop().set_exception_handler(_unless_gone)
    born = frozenset(asyncio.all_tasks())
    database = await SteppedDatabase.connect(dsn, max_size=CONNECTIONS)
    database.steps = steps
    core = Core(
        database=database,
        vault=vault,
        config=config,
        providers={name: _provider(name, config, steps) for name in config.providers},
        actor=f"step-{ids.new_token(4)}",
    )
    process = Process(core=core, database=database, steps=steps, born=born)
    try:
        yield process
    finally:
        await process.end()


def _unless_gone(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A task that nobody waited for because its process has ended is nothing to report."""
    if not isinstance(context.get("exception"), Gone):
        loop.default_exception_handler(context)


@cache
def _announced() -> tuple[EntryPoint, ...]:
    """Looking for them costs more than the life of a payout."""
    return tuple(announced_adapters())


def _provider(name: str, config: Config, steps: Steps) -> RewardPayoutProvider:
    settings = config.providers[name]
    context = context_of(name, settings, config, http=SteppedHttp(steps, guard=assert_no_transaction))
    return build(settings.adapter, context, _announced)
