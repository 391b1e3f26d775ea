"""Runs sequences of events on payouts, many side by side, and looks at the books and the rail's journal after every event."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from rewardrails.domain.observation import Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.engine.core import Core
from rewardrails.engine.observe import Seen, apply_observations, new_seen
from rewardrails.engine.operate import cancel, retry
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.engine.send import claim, send
from rewardrails.engine.sync import apply_answers, ask, claim_to_sync
from rewardrails.errors import RewardRailsError
from rewardrails.ledger.invariants import verify
from tests.ledger.sequence_rail import Behaviour, Book, SequenceRail
from tests.support.season import BUDGET, opened_core, request, reward

EVIDENCE = "the rail's support closed the key: ticket seven"
AT_ONCE = 8
ENDED_UNPAID = frozenset({"failed", "canceled", "returned"})


class Event(StrEnum):
    """What may happen to a payout, in any order."""

    SUBMIT = "submit"
    REJECT = "reject"
    RELEASE = "release"
    RETRY_SAME_KEY = "retry_same_key"
    RETRY_NEW_KEY = "retry_new_key"
    CANCEL = "cancel"
    PAID = "webhook_paid"


Events = tuple[Event, ...]
Shape = tuple[object, ...]


@dataclass(frozen=True)
class Trial:
    """One payout and what happens to it."""

    payout_id: UUID
    events: Events

    @property
    def hex(self) -> str:
        return self.payout_id.hex


def all_sequences(length: int) -> Iterator[Events]:
    """Every sequence of that length; their beginnings are every shorter one."""
    return itertools.product(Event, repeat=length)


def count_up_to(length: int) -> int:
    """How many sequences of one event up to `length` events there are."""
    return sum(len(Event) ** k for k in range(1, length + 1))


@asynccontextmanager
async def sequences_on(dsn: str, behaviour: Behaviour) -> AsyncIterator["Runner"]:
    """A runner on a database of its own."""
    rail = SequenceRail(behaviour)
    async with opened_core(dsn, [rail], funded=10**12) as core:
        yield Runner(core, rail)


class Runner:
    """Every batch of sequences gets fresh payouts; event by event they go forward together."""

    def __init__(self, core: Core, rail: SequenceRail) -> None:
        self._core = core
        self._rail = rail
        self._numbers = itertools.count()
        self._do: dict[Event, Callable[[Sequence[Trial]], Awaitable[None]]] = {
            Event.SUBMIT: self._submit,
            Event.REJECT: self._reject,
            Event.RELEASE: self._release,
            Event.RETRY_SAME_KEY: self._retry_same_key,
            Event.RETRY_NEW_KEY: lambda trials: self._each(trials, self._retry),
            Event.CANCEL: lambda trials: self._each(trials, self._cancel),
            Event.PAID: self._paid,
        }

    async def run(self, sequences: Sequence[Events]) -> list[Shape]:
        """Run sequences of one length; answers for each in what shape it left its payout."""
        results = await request(self._core, [reward(next(self._numbers)) for _ in sequences])
        trials = [
            Trial(payout_id=result.payout_id, events=events)
            for result, events in zip(results, sequences, strict=True)
            if result.payout_id is not None
        ]
        assert len(trials) == len(sequences)
        for step in range(len(sequences[0])):
            for event, do in self._do.items():
                group = [trial for trial in trials if trial.events[step] is event]
                if group:
                    await do(group)
            await self._check(trials, step)
        shapes = await self._shapes(trials)
        return [shapes[trial.payout_id] for trial in trials]

    async def _submit(self, trials: Sequence[Trial]) -> None:
        await self._send(trials, self._rail.behaviour)

    async def _reject(self, trials: Sequence[Trial]) -> None:
        """The rail fails what it took, and refuses what is sent now; of what is still on its way it knows nothing."""
        seen = [
            self._notice(trial, key, ObservedStatus.FAILED)
            for trial in trials
            for key in self._close(trial, ObservedStatus.FAILED)
        ]
        await apply_observations(self._core, seen)
        told = {item.ref.payout_id for item in seen}
        await self._send([trial for trial in trials if trial.payout_id not in told], Behaviour.REFUSES)

    async def _paid(self, trials: Sequence[Trial]) -> None:
        """What the rail has, or now finds, it pays; what it paid it tells again."""
        seen = []
        for trial in trials:
            for key in list(self._rail.books[trial.hex].on_their_way):
                self._rail.take(key)
            self._close(trial, ObservedStatus.PAID)
            book = self._rail.books[trial.hex].status
            paid = [key for key, status in book.items() if status is ObservedStatus.PAID]
            seen += [self._notice(trial, key, ObservedStatus.PAID) for key in paid]
        await apply_observations(self._core, seen)

    async def _release(self, trials: Sequence[Trial]) -> None:
        """Two people, who had the rail close the key first, say that nothing was paid."""
        await self._each([trial for trial in trials if not self._rail.books[trial.hex].standing], self._resolve)

    async def _retry_same_key(self, trials: Sequence[Trial]) -> None:
        """The rail is asked; where it proves absence, the payout is ready again under its old key."""
        await self._execute(
            "UPDATE attempt SET sent_at = sent_at - interval '1 hour', sync_due_at = rr_now()"
            " + CASE WHEN payout_id = ANY ($1) THEN interval '0' ELSE interval '1 day' END WHERE sync_due_at IS NOT NULL",
            [trial.payout_id for trial in trials],
        )
        while asked := await claim_to_sync(self._core, self._rail, 500):
            await apply_answers(self._core, self._rail, [(one, await ask(self._rail, one)) for one in asked])

    async def _send(self, trials: Sequence[Trial], behaviour: Behaviour) -> None:
        await self._execute(
            "UPDATE payout SET due_at = rr_now()"
            " + CASE WHEN id = ANY ($1) THEN interval '0' ELSE interval '1 day' END WHERE state = 'ready'",
            [trial.payout_id for trial in trials],
        )
        usual, self._rail.behaviour = self._rail.behaviour, behaviour
        try:
            while claimed := await claim(self._core, self._rail, BUDGET, 500):
                await self._assert_reserved([item.ref.payout_id for item in claimed])
                await apply_observations(self._core, [await send(self._core, self._rail, item) for item in claimed])
        finally:
            self._rail.behaviour = usual

    async def _retry(self, trial: Trial) -> None:
        await retry(self._core, trial.payout_id, actor="ops")

    async def _cancel(self, trial: Trial) -> None:
        await cancel(self._core, trial.payout_id, actor="ops")

    async def _resolve(self, trial: Trial) -> None:
        await resolve(self._core, trial.payout_id, outcome=Resolved.NOT_PAID, evidence=EVIDENCE, actor="ann")
        for key in list(self._rail.books[trial.hex].on_their_way):
            self._rail.close_key(key)
        await resolve(self._core, trial.payout_id, outcome=Resolved.NOT_PAID, evidence=EVIDENCE, actor="ben")

    def _close(self, trial: Trial, status: ObservedStatus) -> list[str]:
        """Give every open order of a payout this end; answers their keys."""
        book = self._rail.books[trial.hex]
        pending = [key for key, known in book.status.items() if known is ObservedStatus.PENDING]
        book.status.update(dict.fromkeys(pending, status))
        return pending

    def _notice(self, trial: Trial, key: str, status: ObservedStatus) -> Seen:
        return new_seen(
            ref=AttemptRef.parse(key) or AttemptRef(payout_id=trial.payout_id, attempt_no=1),
            provider="one",
            source=ObservationSource.WEBHOOK,
            observation=Observation(status=status, rail_key=key),
            actor="provider:one",
        )

    async def _each(self, trials: Iterable[Trial], work: Callable[[Trial], Awaitable[None]]) -> None:
        """Single calls, a few at once; a refusal with a stable code is an answer like any other."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(trial: Trial) -> None:
            async with gate:
                try:
                    await work(trial)
                except RewardRailsError:
                    return

        await asyncio.gather(*(one(trial) for trial in trials))

    async def _execute(self, statement: str, *arguments: object) -> None:
        async with self._core.database.transaction() as tx:
            await tx.execute(statement, *arguments)

    async def _assert_reserved(self, payout_ids: Sequence[UUID]) -> None:
        """Nothing leaves for the rail whose money is not set aside."""
        async with self._core.database.reading() as connection:
            covered = await connection.fetchval(
                "SELECT count(*) FROM payout WHERE id = ANY ($1) AND state = 'submitting' AND reserved = amount + fee_ceiling"
                " AND (SELECT sum(CASE WHEN t.debit = 'reserved' THEN -t.amount WHEN t.credit = 'reserved' THEN t.amount END)"
                " FROM transfer t WHERE t.payout_id = payout.id) = reserved",
                payout_ids,
            )
        assert covered == len(payout_ids)

    async def _check(self, trials: Sequence[Trial], step: int) -> None:
        """The books, and what we say of each payout against what the rail's journal says."""
        async with self._core.database.reading() as connection:
            rows = await connection.fetch(
                "SELECT id, state::text AS state, (SELECT count(*) FROM attempt a WHERE a.payout_id = payout.id"
                " AND a.state IN ('sending', 'accepted', 'unknown')) AS live FROM payout WHERE id = ANY ($1)",
                [trial.payout_id for trial in trials],
            )
        found = {row["id"]: row for row in rows}
        for trial in trials:
            row, book = found[trial.payout_id], self._rail.books[trial.hex]
            wrong = wrong_with(row["state"], row["live"], book)
            assert not wrong, f"{wrong} after {[event.value for event in trial.events[: step + 1]]}"
        assert (await verify(self._core.database)).broken == ()

    async def _shapes(self, trials: Sequence[Trial]) -> dict[UUID, Shape]:
        """Everything that can decide what happens next to a payout, without its names and times."""
        async with self._core.database.reading() as connection:
            rows = await connection.fetch(
                "SELECT id, state::text, tries, reserved, hold_cause, code, ARRAY(SELECT (a.attempt_no, a.state::text, a.sends,"
                " a.sync_due_at IS NULL)::text FROM attempt a WHERE a.payout_id = payout.id ORDER BY a.attempt_no) AS attempts,"
                " EXISTS (SELECT 1 FROM resolution r WHERE r.payout_id = payout.id AND r.confirmed_at IS NULL"
                " AND r.voided_at IS NULL) AS proposed FROM payout WHERE id = ANY ($1)",
                [trial.payout_id for trial in trials],
            )
        return {
            row["id"]: (*_plain(list(row.values())[1:]), *_shape_of(self._rail.books[row["id"].hex])) for row in rows
        }


def wrong_with(state: str, live: int, book: Book) -> str:
    """What of one payout must not be; empty when all is well."""
    standing = len(book.standing)
    if standing > 1:
        return "the rail was made to pay twice"
    if live > 1:
        return "two attempts are live"
    if state in ENDED_UNPAID and (standing or book.on_their_way):
        return f"it is {state} here while the rail has or will find its order"
    if state == "paid" and not standing:
        return "it is paid here and not at the rail"
    return ""


def _plain(values: Sequence[object]) -> Shape:
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)


def _shape_of(book: Book) -> Shape:
    return (
        tuple(sorted((key.partition("-")[2], status.value) for key, status in book.status.items())),
        tuple(sorted(key.partition("-")[2] for key in book.on_their_way)),
    )
