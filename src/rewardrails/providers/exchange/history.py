"""The exchange's list of withdrawals: where one of ours stands, and everything that left in a time."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from rewardrails import clock
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import Absent, CannotTell, Found, Observation, ObservedStatus, SyncResult
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.errors import AmountInvalid, ErrorCode
from rewardrails.providers import certainty, statements
from rewardrails.providers.base import Reference
from rewardrails.providers.deadline import Deadline
from rewardrails.providers.exchange.client import Client, Told
from rewardrails.providers.exchange.library import Ask, Unreadable
from rewardrails.providers.exchange.mapping import (
    Entry,
    client_id,
    code_of,
    entry_of,
    evidence_of,
    minor,
    observation_of,
    round_up,
    status_of,
    whole,
)
from rewardrails.providers.http import MaybeSent, NeverSent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Their clock may be behind ours, and ours behind theirs.
LEEWAY = timedelta(minutes=10)
MOST_QUESTIONS = 12
SHORTEST = timedelta(seconds=2)
UUID_WITH_TIME = 7


class History:
    """Asks the list."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._row = client.row

    async def sync(self, reference: Reference) -> SyncResult:
        """Where an attempt stands: by the exchange's name for it, or else by ours, over all the time that it can be from.

        Not to be found by the exchange's own name proves nothing. Where the list does not know our names nobody can tell;
        the evidence then counts what could be it, for people.
        """
        try:
            return await self._sync(reference, self._client.deadline())
        except (NeverSent, MaybeSent) as error:
            return certainty.cannot_ask(error)
        except Unreadable as error:
            return CannotTell(code=ErrorCode.OUTCOME_UNKNOWN, evidence=Evidence(message=str(error)))

    async def pages(self, window: Window) -> AsyncIterator[Sequence[StatementItem]]:
        """Everything that left in a time, whoever asked for it; raises `RewardRailsError` when it is not to be had whole."""
        for start, end in _spans(window.start, window.end, self._row.history.window):
            async for entries in self._whole(start, end):
                yield [self._item(entry) for entry in entries]

    async def _sync(self, reference: Reference, deadline: Deadline) -> SyncResult:
        history, key = self._row.history, reference.ref.rail_key
        if reference.provider_reference:
            told = await self._ask({history.by_id: reference.provider_reference}, deadline)
            entries = self._entries(told)
            found = [one for one in entries or () if one.id == reference.provider_reference]
            return self._found(found, reference, told) if found else self._cannot_tell(told)
        if not history.by_client_id:
            return await self._perhaps(reference, deadline)
        evidence, spans = Evidence(), list(self._spans_of(reference.ref.payout_id))
        for span in spans[:MOST_QUESTIONS]:
            told = await self._ask({history.by_client_id: client_id(key), **span}, deadline)
            entries = self._entries(told)
            if entries is None or any(one.client_id != client_id(key) for one in entries):
                return self._cannot_tell(told)  # the filter was not understood: the list says nothing about absence
            if entries:
                return self._found(entries, reference, told)
            evidence = evidence_of(self._row, told.reply, told.answer)
        if len(spans) > MOST_QUESTIONS:
            return CannotTell(code=ErrorCode.OUTCOME_UNKNOWN, evidence=evidence)
        return Absent(evidence=evidence)

    async def _perhaps(self, reference: Reference, deadline: Deadline) -> SyncResult:
        """How many withdrawals since it was taken on have its amount; which of them it is, only people can see."""
        asset, now = reference.amount.asset, clock.now()
        since = max(_made_at(reference.ref.payout_id) - LEEWAY, now + LEEWAY - self._row.history.window)
        told = await self._ask(self._bounds(since, now + LEEWAY), deadline)
        entries = self._entries(told)
        if entries is None:
            return self._cannot_tell(told)
        amount, coin = whole(reference.amount, self._client.exponents), self._client.coins.get(asset)
        like = [one.id for one in entries if one.amount == amount and one.coin == coin]
        words = f"{len(like)} of {len(entries)} withdrawals since the payout was taken on have its amount"
        return CannotTell(
            code=ErrorCode.OUTCOME_UNKNOWN,
            evidence=evidence_of(self._row, told.reply, told.answer, message=": ".join([words, ", ".join(like[:10])])),
        )

    def _spans_of(self, payout_id: UUID) -> Iterator[Mapping[str, int]]:
        """The times to ask for, newest first, from when the payout was taken on."""
        span = self._row.history.window_by_client_id
        if span is None:
            yield {}
            return
        now = clock.now()
        since = _made_at(payout_id) - LEEWAY if payout_id.version == UUID_WITH_TIME else now - span
        for start, end in reversed([*_spans(since, now + LEEWAY, span)]):
            yield self._bounds(start, end)

    async def _ask(self, params: Mapping[str, str | int], deadline: Deadline) -> Told:
        history = self._row.history
        ask = Ask(method="fetch_withdrawals", arguments=(None, None, history.page), params={**history.more, **params})
        return await self._client.ask(ask, deadline)

    def _entries(self, told: Told) -> list[Entry] | None:
        """Everything that the answer lists; None unless all of it can be read."""
        if not isinstance(told.read, list):
            return None
        entries = [entry_of(self._row, one) for one in told.read]
        return [one for one in entries if one is not None] if None not in entries else None

    def _found(self, entries: Sequence[Entry], reference: Reference, told: Told) -> SyncResult:
        row, key = self._row, reference.ref.rail_key
        evidence = evidence_of(row, told.reply, told.answer, status=", ".join(one.status for one in entries))
        if len(entries) > 1:
            conflict = Observation(
                status=ObservedStatus.UNKNOWN, rail_key=key, code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence
            )
            return Found(observation=conflict)
        (entry,) = entries
        asset = reference.amount.asset
        if entry.coin != self._client.coins.get(asset) or entry.client_id not in {"", client_id(key)}:
            return CannotTell(code=ErrorCode.DUPLICATE_CONFLICT, evidence=evidence)
        try:
            seen = observation_of(row, entry, asset, self._client.exponents, rail_key=key, evidence=evidence)
        except AmountInvalid:
            return CannotTell(code=ErrorCode.OUTCOME_UNKNOWN, evidence=evidence)
        return Found(observation=seen)

    def _cannot_tell(self, told: Told) -> CannotTell:
        evidence = evidence_of(self._row, told.reply, told.answer)
        refusal = self._row.refusals.get(code_of(self._row, told.answer))
        if refusal is not None:
            return CannotTell(code=refusal.code, evidence=evidence)
        return certainty.cannot_tell(told.reply, evidence)

    async def _whole(self, start: datetime, end: datetime) -> AsyncIterator[list[Entry]]:
        """All entries of a span: where an answer is full there may be more, so each half is asked for alone."""
        name = self._client.name
        try:
            told = await self._ask(self._bounds(start, end), self._client.deadline())
        except (NeverSent, MaybeSent, Unreadable) as error:
            raise statements.not_told(name) from error
        entries = self._entries(told)
        if entries is None:
            raise statements.not_told(name, status=told.reply.status)
        if len(entries) < self._row.history.page:
            yield entries
            return
        if end - start <= SHORTEST:
            raise statements.too_long(name)
        middle = start + (end - start) / 2
        for half in ((start, middle), (middle, end)):
            async for found in self._whole(*half):
                yield found

    def _bounds(self, start: datetime, end: datetime) -> Mapping[str, int]:
        history = self._row.history
        more = 1 if history.bounds_are_exclusive else 0
        return {history.since: _milliseconds(start) - more, history.until: _milliseconds(end) + more}

    def _item(self, entry: Entry) -> StatementItem:
        asset, exponents = self._client.asset_of(entry.coin), self._client.exponents
        return StatementItem(
            item_id=entry.id,
            reference=entry.client_id,
            amount=statements.money_or_none(lambda: minor(entry.amount, asset, exponents)) if asset else None,
            told=f"{entry.amount} {entry.coin}",
            fee=round_up(entry.fee, asset, exponents) if asset and entry.fee is not None else None,
            status=status_of(self._row, entry),
            provider_status=entry.status,
            at=entry.at,
        )


def _spans(start: datetime, end: datetime, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        until = min(end, start + longest)
        yield start, until
        start = until


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _made_at(payout_id: UUID) -> datetime:
    """When a UUIDv7 was made."""
    return _EPOCH + timedelta(milliseconds=payout_id.int >> 80)
