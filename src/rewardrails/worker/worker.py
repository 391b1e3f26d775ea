"""A worker: every loop that moves payouts on. Any number of them share one database; each may be killed at any moment."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from rewardrails.engine.batches import start_chunk
from rewardrails.engine.core import Core
from rewardrails.engine.gates.again import RECHECK_BATCH, judge_due
from rewardrails.engine.pauses import active
from rewardrails.engine.reconcile_due import reconcile_due
from rewardrails.engine.screening import screen_waiting
from rewardrails.engine.send import Budget
from rewardrails.engine.webhooks import apply_notices
from rewardrails.errors import ConfigInvalid
from rewardrails.events.audit import CHECKPOINT_SECONDS, write_checkpoint
from rewardrails.events.deliver import Deliverer, Endpoint
from rewardrails.events.seal import SEAL_BATCH, seal
from rewardrails.providers.base import RewardPayoutProvider
from rewardrails.screeners.base import Screener
from rewardrails.store import origin
from rewardrails.store.database import LOST
from rewardrails.store.sql import sql
from rewardrails.worker.loop import repeat
from rewardrails.worker.rail import Pauses, RailRunner, RailSettings

WEBHOOK_BATCH = 500
DELIVERY_BATCH = 200
BEAT_SECONDS = 5.0
PAUSE_SECONDS = 0.2
SCREEN_SECONDS = 0.5
FORGET_SECONDS = 3600.0
RECONCILE_LOOK_SECONDS = 5.0
CHECKPOINT_LOOK_SECONDS = 5.0
KEYS_KEPT_DAYS = 30
log = structlog.get_logger(__name__)


class Worker:
    """Runs the loops of one process until `stop` is called."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._stop = asyncio.Event()
        self._pauses = Pauses()
        self._deliverers = [Deliverer(core.database, endpoint) for endpoint in endpoints(core)]

    def stop(self) -> None:
        """Take up nothing new; `run` returns when what is in flight has come home."""
        self._stop.set()

    async def run(self) -> None:
        """Work until stopped."""
        try:
            with origin.coming_from(origin.WORKER):
                await self._read_pauses()
                await asyncio.gather(*self._parts())
            await self._sign_at_the_end()
            await self._leave()
        finally:
            for deliverer in self._deliverers:
                await deliverer.close()

    def _parts(self) -> list[Awaitable[None]]:
        """Everything that runs side by side; made when it begins, for what is made must be awaited."""
        rails = [self._rail(provider).run(self._stop) for provider in self._core.providers.values()]
        loops = [
            self._loop("beat", self._beat, BEAT_SECONDS),
            self._loop("pauses", self._read_pauses, PAUSE_SECONDS),
            self._loop("webhooks", self._apply_notices, 0.05, WEBHOOK_BATCH // 2),
            self._loop("judge", lambda: judge_due(self._core), 0.5, RECHECK_BATCH),
            self._loop("batches", lambda: start_chunk(self._core), 0.3),
            self._loop(
                "seal", lambda: seal(self._core.database, [e.name for e in endpoints(self._core)]), 0.1, SEAL_BATCH
            ),
            self._loop("checkpoint", self._sign, CHECKPOINT_LOOK_SECONDS),
            self._loop("forget", self._forget_old_keys, FORGET_SECONDS),
            self._loop("reconcile", lambda: reconcile_due(self._core), RECONCILE_LOOK_SECONDS),
            *(self._screening(screener) for screener in self._core.screeners.values()),
            *(self._loop("deliver", deliverer.deliver, 0.05, DELIVERY_BATCH) for deliverer in self._deliverers),
        ]
        return [*rails, *loops]

    def _loop(
        self, name: str, work: Callable[[], Awaitable[int]], idle_seconds: float, full: int = 1
    ) -> Awaitable[None]:
        return repeat(name, work, idle_seconds=idle_seconds, stop=self._stop, full=full)

    def _screening(self, screener: Screener) -> Awaitable[None]:
        return self._loop(f"screen:{screener.name}", lambda: screen_waiting(self._core, screener), SCREEN_SECONDS)

    def _rail(self, provider: RewardPayoutProvider) -> RailRunner:
        config = self._core.config
        settings = config.providers[provider.name]
        in_flight = settings.max_in_flight or provider.capabilities.max_in_flight
        rate = settings.rate_per_second or provider.capabilities.rate_per_second
        return RailRunner(
            self._core,
            provider,
            RailSettings(
                sends=settings.enabled,
                calls_at_once=min(config.worker.calls_at_once, in_flight),
                budget=Budget(
                    max_in_flight=min(in_flight, provider.capabilities.max_in_flight),
                    rate_per_second=rate,
                    burst=float(settings.burst or max(1.0, rate or 1.0)),
                ),
                breaker_failures=config.breaker.failures,
                breaker_seconds=config.breaker.closed_seconds,
            ),
            self._pauses,
        )

    async def _beat(self) -> int:
        async with self._core.database.reading() as connection:
            await connection.execute(sql("beat"), self._core.actor)
        return 0

    async def _leave(self) -> None:
        """Be missed at once; where the database is away, only after a while."""
        with suppress(*LOST):
            async with self._core.database.reading() as connection:
                await connection.execute(sql("leave"), self._core.actor)

    async def _apply_notices(self) -> int:
        with origin.coming_from(origin.WEBHOOK):
            return await apply_notices(self._core, WEBHOOK_BATCH)

    async def _sign(self, every_seconds: float = CHECKPOINT_SECONDS) -> int:
        if self._core.audit is None:
            return 0
        return await write_checkpoint(self._core.database, self._core.audit, every_seconds=every_seconds)

    async def _sign_at_the_end(self) -> None:
        """What this process did is sealed and signed before it goes, as far as the database is there for it."""
        try:
            await seal(self._core.database, [one.name for one in endpoints(self._core)])
            await self._sign(every_seconds=0.0)
        except (*LOST, ConfigInvalid) as error:
            log.warning("log_not_signed_at_the_end", reason=type(error).__name__)

    async def _forget_old_keys(self) -> int:
        async with self._core.database.reading() as connection:
            await connection.execute(sql("forget_old_keys"), KEYS_KEPT_DAYS)
            await connection.execute(sql("forget_old_challenges"), KEYS_KEPT_DAYS)
        return 0

    async def _read_pauses(self) -> int:
        self._pauses.remember(await active(self._core))
        return 0


def endpoints(core: Core) -> list[Endpoint]:
    """The configured places where the game listens."""
    return [
        Endpoint(name=one.name, url=one.url, secret=one.secret, allow_private=one.allow_private)
        for one in core.config.events.endpoints
    ]
