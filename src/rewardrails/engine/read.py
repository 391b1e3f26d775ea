"""What people and callers may see of payouts, attempts, observations and events. Reading changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from rewardrails.domain.destination import ERASED, Destination
from rewardrails.domain.payout import PayoutState
from rewardrails.engine.approval_digest import approval_digest
from rewardrails.engine.core import Core
from rewardrails.engine.observe import evidence_message
from rewardrails.engine.player_salts import salts_of_payouts
from rewardrails.errors import DataErased, NotFound
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutView:
    """A payout as it stands; amounts in smallest units. The destination is for authorised eyes: show it masked."""

    id: UUID
    campaign: str
    reward_id: str
    player_id: str
    asset: str
    amount_minor: int
    fee_ceiling_minor: int
    fee_minor: int | None
    jurisdiction: str
    destination: Destination = field(repr=False)
    provider: str | None
    state: PayoutState
    code: str | None
    hold_cause: str | None
    tries: int
    version: int
    batch_id: UUID | None
    approval_digest: str
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One try over one rail."""

    attempt_no: int
    provider: str
    rail_key: str
    state: str
    sends: int
    provider_reference: str | None
    code: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationView:
    """One thing learnt about an attempt, and what it did; `words` are those of a person who recorded it."""

    id: UUID
    attempt_no: int
    source: str
    status: str
    effect: str
    code: str | None
    provider_code: str | None
    provider_reference: str | None
    words: str | None = field(repr=False)
    actor: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionView:
    """How somebody says an unknown outcome ended; open while neither confirmed nor voided."""

    id: UUID
    attempt_no: int
    outcome: str
    evidence: str = field(repr=False)
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    voided_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One entry of history; `position` is its place in the sealed log (None: not sealed yet), `data` its JSON text."""

    position: int | None
    subject_id: UUID
    version: int
    type: str
    data: str
    actor: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutHistory:
    """A payout with everything that happened to it."""

    payout: PayoutView
    attempts: tuple[AttemptView, ...]
    observations: tuple[ObservationView, ...]
    resolutions: tuple[ResolutionView, ...]
    events: tuple[EventView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFilter:
    """Which payouts to list; None leaves a field open."""

    state: PayoutState | None = None
    campaign: str | None = None
    provider: str | None = None
    player_id: str | None = None
    reward_id: str | None = None
    batch_id: UUID | None = None
    created_by: str | None = None


async def list_payouts(
    core: Core, wanted: PayoutFilter, *, before: UUID | None = None, limit: int = 50
) -> list[PayoutView]:
    """Payouts, newest first; `before` is the id of the last one already seen."""
    async with core.database.reading() as connection:
        rows = await connection.fetch(
            sql("list_payouts"),
            before,
            limit,
            wanted.state.value if wanted.state else None,
            wanted.campaign,
            wanted.provider,
            wanted.player_id,
            wanted.reward_id,
            wanted.batch_id,
            wanted.created_by,
        )
    return [_payout(core, row) for row in rows]


async def payouts_by_id(core: Core, payout_ids: Sequence[UUID]) -> dict[UUID, PayoutView]:
    """Payouts by id; unknown ids are left out."""
    async with core.database.reading() as connection:
        return await _by_id(core, connection, payout_ids)


async def read_payout(core: Core, payout_id: UUID) -> PayoutView:
    """One payout. Raises `NotFound`."""
    async with core.database.reading() as connection:
        return await read_payout_within(core, connection, payout_id)


async def read_payout_within(core: Core, connection: Connection, payout_id: UUID) -> PayoutView:
    """`read_payout` on the caller's connection."""
    found = await _by_id(core, connection, [payout_id])
    if payout_id not in found:
        raise NotFound(f"there is no payout {payout_id}")
    return found[payout_id]


async def read_history(core: Core, payout_id: UUID) -> PayoutHistory:
    """One payout with its attempts, observations and events, oldest first. Raises `NotFound`."""
    payout = await read_payout(core, payout_id)
    async with core.database.reading() as connection:
        attempts = await connection.fetch(sql("attempts_of"), payout_id)
        observations = await connection.fetch(sql("observations_of"), payout_id)
        resolutions = await connection.fetch(sql("resolutions_of"), payout_id)
        events = await connection.fetch(sql("events_of"), payout_id)
        salts = await salts_of_payouts(connection, [payout_id])
    return PayoutHistory(
        payout=payout,
        attempts=tuple(AttemptView(**dict(row)) for row in attempts),
        observations=tuple(_observation(core, row, salts[payout_id]["salt"]) for row in observations),
        resolutions=tuple(_resolution(core, row, salts[payout_id]["salt"]) for row in resolutions),
        events=tuple(EventView(**dict(row)) for row in events),
    )


def _observation(core: Core, row: asyncpg.Record, salt: bytes | None) -> ObservationView:
    fields = dict(row)
    sealed, key_id = fields.pop("evidence"), fields.pop("evidence_key_id")
    if sealed is None:
        return ObservationView(words=None, **fields)
    try:
        words = evidence_message(core.open_evidence(sealed, key_id, salt))
    except DataErased:
        words = ERASED
    return ObservationView(words=words, **fields)


def _resolution(core: Core, row: asyncpg.Record, salt: bytes | None) -> ResolutionView:
    fields = dict(row)
    sealed, key_id = fields.pop("evidence"), fields.pop("evidence_key_id")
    try:
        evidence = core.open_evidence(sealed, key_id, salt).decode()
    except DataErased:
        evidence = ERASED
    return ResolutionView(evidence=evidence, **fields)


async def list_events(
    core: Core, *, after: int = 0, limit: int = 100, subject_id: UUID | None = None
) -> list[EventView]:
    """Sealed events after a position, in order; the same answer for ever."""
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("sealed_events"), after, limit, subject_id)
    return [EventView(**dict(row)) for row in rows]


async def count_by_state(core: Core) -> dict[tuple[PayoutState, str], int]:
    """How many payouts stand in each state, by asset."""
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("payouts_by_state"))
    return {(PayoutState(row["state"]), row["asset"]): row["payouts"] for row in rows}


async def _by_id(core: Core, connection: Connection, payout_ids: Sequence[UUID]) -> dict[UUID, PayoutView]:
    rows = await connection.fetch(sql("payouts_by_id"), list(payout_ids))
    return {row["id"]: _payout(core, row) for row in rows}


def _payout(core: Core, row: asyncpg.Record) -> PayoutView:
    return PayoutView(
        id=row["id"],
        campaign=row["campaign"],
        reward_id=row["reward_id"],
        player_id=row["player_id"],
        asset=row["asset"],
        amount_minor=row["amount"],
        fee_ceiling_minor=row["fee_ceiling"],
        fee_minor=row["fee"],
        jurisdiction=row["jurisdiction"],
        destination=_destination(core, row),
        provider=row["provider"],
        state=PayoutState(row["state"]),
        code=row["code"],
        hold_cause=row["hold_cause"],
        tries=row["tries"],
        version=row["version"],
        batch_id=row["batch_id"],
        approval_digest=approval_digest(row),
        created_by=row["created_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _destination(core: Core, row: asyncpg.Record) -> Destination:
    """The destination, or the word that it was erased."""
    try:
        return core.open_destination(row["destination_ciphertext"], row["destination_key_id"], row["salt"])
    except DataErased:
        return Destination(kind=row["destination_kind"], value=ERASED)
