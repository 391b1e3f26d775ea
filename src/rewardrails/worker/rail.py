"""One provider's runner: claims, sends, gathers results, asks back. Each provider has its own, so a sick one slows nobody."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from rewardrails import clock
from rewardrails.domain.observation import ObservationSource, ObservedStatus, SyncResult
from rewardrails.engine.core import Core
from rewardrails.engine.floats import keep_balance
from rewardrails.engine.group import Group
from rewardrails.engine.observe import Seen, Verdict, apply_observations
from rewardrails.engine.pauses import Pause, PauseScope, PauseStops
from rewardrails.engine.send import Budget, Claimed, claim, hold_lapsed_quotes, never_sent, send
from rewardrails.engine.sync import Asked, apply_answers, ask, claim_expired, claim_to_sync, give_up_lapsed_resends
from rewardrails.errors import ErrorCode
from rewardrails.observability import metrics
from rewardrails.providers.base import RewardPayoutProvider
from rewardrails.store.database import LOST
from rewardrails.store.sql import sql
from rewardrails.worker.loop import AFTER_ERROR_SECONDS, repeat, rest

log = structlog.get_logger(__name__)
IDLE_SECONDS = 0.05
RECOVERY_SECONDS = 2.0
SYNC_SECONDS = 1.0
LAPSE_SECONDS = 15.0
BALANCE_SECONDS = 1.0
SHORT_SECONDS = 0.5
log = structlog.get_logger(__name__)
ASK_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RailSettings:
    """How one worker works one provider: whether it sends, calls at once in this process, budget, and breaker."""

    sends: bool
    calls_at_once: int
    budget: Budget
    breaker_failures: int = 20
    breaker_seconds: float = 5.0


class Pauses:
    """The pauses in force, as this process last read them."""

    def __init__(self) -> None:
        self._active: frozenset[tuple[PauseScope, str]] = frozenset()

    def remember(self, pauses: Sequence[Pause]) -> None:
        """Take over what was read."""
        sending = (pause for pause in pauses if pause.stops is PauseStops.SENDING)
        self._active = frozenset((pause.scope, pause.subject) for pause in sending)

    def stop(self, provider: str, campaign: str | None = None, player_id: str | None = None) -> bool:
        """Whether nothing of this provider (or, where named, of this campaign or player) may be sent."""
        return bool(
            self._active
            & {
                (PauseScope.EVERYTHING, ""),
                (PauseScope.PROVIDER, provider),
                (PauseScope.CAMPAIGN, campaign or ""),
                (PauseScope.PLAYER, player_id or ""),
            }
        )


class RailRunner:
    """Works one provider until `stop` is set, then lets what is in flight come home."""

    def __init__(self, core: Core, provider: RewardPayoutProvider, settings: RailSettings, pauses: Pauses) -> None:
        self._core = core
        self._provider = provider
        self._settings = settings
        self._pauses = pauses
        self._calling = 0
        self._in_flight: set[asyncio.Task[None]] = set()
        self._free = asyncio.Event()
        self._stopping = asyncio.Event()
        self._results: Group[Seen, Verdict] = Group(self._apply, gather_seconds=0.05, limit=500)

    async def run(self, stop: asyncio.Event) -> None:
        """Run the sender, recovery and polling side by side; a provider that is switched off is only asked, never sent to."""
        name, self._stopping = self._provider.name, stop
        await asyncio.gather(
            *([self._send_until(stop)] if self._settings.sends else []),
            repeat(f"recover:{name}", self._recover, idle_seconds=RECOVERY_SECONDS, stop=stop),
            repeat(f"sync:{name}", self._sync, idle_seconds=SYNC_SECONDS, stop=stop),
            repeat(f"lapse:{name}", self._lapse, idle_seconds=LAPSE_SECONDS, stop=stop),
            *([self._keep_balance_until(stop)] if name in self._core.config.floats else []),
        )

    async def _send_until(self, stop: asyncio.Event) -> None:
        await repeat(f"send:{self._provider.name}", self._claim_and_send, idle_seconds=IDLE_SECONDS, stop=stop)
        while self._in_flight:
            await asyncio.wait(self._in_flight)
        await self._results.drain()

    async def _claim_and_send(self) -> int:
        if self._pauses.stop(self._provider.name):
            return 0
        free = self._settings.calls_at_once - self._calling
        if free < max(1, self._settings.calls_at_once // 2):
            self._free.clear()
            await rest(self._free, 1.0)
            return 1
        claimed = await claim(self._core, self._provider, self._settings.budget, free)
        if not claimed and self._provider.name in self._core.config.floats:
            await rest(self._stopping, SHORT_SECONDS)  # whatever waits for money is not read twenty times a second
        for item in await hold_lapsed_quotes(self._core, self._provider, claimed):
            self._calling += 1
            task = asyncio.create_task(self._send_one(item))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
        return len(claimed)

    async def _send_one(self, item: Claimed) -> None:
        """Call, give the place to the next one, and tell the result; what is untold yet counts as in flight."""
        try:
            seen = await self._call(item)
        finally:
            self._calling -= 1
            if self._calling <= self._settings.calls_at_once // 2:
                self._free.set()
        await self._store(seen)

    async def _store(self, seen: Seen) -> None:
        """Tell a result, however long the database is away: on some rails nobody else will ever know it."""
        while True:
            try:
                await self._results.submit(seen)
            except LOST:
                log.warning("answer_waits_for_database", payout_id=str(seen.ref.payout_id))
                if self._stopping.is_set():
                    raise
                await rest(self._stopping, AFTER_ERROR_SECONDS)
            else:
                return

    async def _call(self, item: Claimed) -> Seen:
        if self._pauses.stop(self._provider.name, item.order.campaign, item.order.player_id):
            return never_sent(item, self._provider.name, ErrorCode.PAYOUTS_PAUSED, self._core.actor)
        started = clock.monotonic()
        seen = await send(self._core, self._provider, item)
        metrics.count_provider_call(
            provider=self._provider.name,
            outcome=seen.observation.code or seen.observation.status,
            seconds=clock.monotonic() - started,
        )
        return seen

    async def _apply(self, batch: Sequence[Seen]) -> Sequence[Verdict]:
        verdicts = await apply_observations(self._core, batch)
        for item in batch:
            _tell(item)
        await self._note_health([item for item in batch if item.source is ObservationSource.CALL])
        return verdicts

    async def _note_health(self, batch: Sequence[Seen]) -> None:
        """Tell the breaker: refusals of the provider as a whole and unknown outcomes count against it, anything else for it."""
        told = [item for item in batch if item.observation.code is not ErrorCode.PAYOUTS_PAUSED]
        bad = [item for item in told if _speaks_against_provider(item)]
        async with self._core.database.reading() as connection:
            await connection.execute(
                sql("note_provider_results"),
                self._provider.name,
                len(bad) < len(told),
                len(bad),
                self._settings.breaker_failures,
                self._settings.breaker_seconds,
                bad[-1].observation.code.value if bad and bad[-1].observation.code else None,
            )

    async def _recover(self) -> int:
        return await self._ask(await claim_expired(self._core, self._provider, ASK_LIMIT))

    async def _sync(self) -> int:
        return await self._ask(await claim_to_sync(self._core, self._provider, ASK_LIMIT))

    async def _ask(self, asked: Sequence[Asked]) -> int:
        gate = asyncio.Semaphore(max(1, min(self._settings.calls_at_once, 32)))

        async def one(item: Asked) -> None:
            async with gate:
                answer = await ask(self._provider, item)
            answers.append((item, answer))

        answers: list[tuple[Asked, SyncResult]] = []
        await asyncio.gather(*(one(item) for item in asked))
        if answers:
            await self._tell(answers)
        return len(asked)

    async def _tell(self, answers: Sequence[tuple[Asked, SyncResult]]) -> None:
        """Apply answers; one that cannot be stored stands alone in the end and holds up no other."""
        try:
            await apply_answers(self._core, self._provider, answers)
        except Exception:  # the edge: what a rail answers must not stop the rest of its answers
            if len(answers) == 1:
                log.exception("answer_not_applied", payout_id=str(answers[0][0].reference.ref.payout_id))
                return
            middle = len(answers) // 2
            await self._tell(answers[:middle])
            await self._tell(answers[middle:])

    async def _keep_balance_until(self, stop: asyncio.Event) -> None:
        name = f"balance:{self._provider.name}"
        await repeat(
            name, lambda: keep_balance(self._core, self._provider), idle_seconds=BALANCE_SECONDS, stop=stop, full=2
        )

    async def _lapse(self) -> int:
        return await give_up_lapsed_resends(self._core, self._provider)


def _tell(item: Seen) -> None:
    """A line a person can follow a payout by; the whole story is its history."""
    seen = item.observation
    say = {ObservedStatus.UNKNOWN: log.warning, ObservedStatus.FAILED: log.info}.get(seen.status, log.debug)
    say(
        "call_answered",
        provider=item.provider,
        payout_id=str(item.ref.payout_id),
        attempt_no=item.ref.attempt_no,
        status=seen.status.value,
        code=seen.code.value if seen.code else None,
        provider_reference=seen.provider_reference or None,
    )


def _speaks_against_provider(item: Seen) -> bool:
    seen = item.observation
    return seen.status is ObservedStatus.UNKNOWN or (seen.status is ObservedStatus.FAILED and not seen.spends_try)
