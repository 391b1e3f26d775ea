"""What is known of destinations: lists loaded from files, screeners' answers, proofs of ownership. Digests only."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from rewardrails import clock, ids
from rewardrails.domain.destination import Destination, canonical_forms
from rewardrails.domain.policy import destinations
from rewardrails.domain.policy.case import ListKind, Screening
from rewardrails.engine.core import Core
from rewardrails.engine.gates import holds
from rewardrails.errors import FieldInvalid, StateConflict
from rewardrails.store.database import Connection
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql

CLOCKS_DIFFER = timedelta(days=1)
"""How far ahead a list may be dated (sources name days, in their own place): a later one would never be too old."""
_INSERT_AT_ONCE = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewList:
    """A list as its file says; `dated` is when the source made it, `entries` its destinations as written."""

    name: str
    kind: ListKind
    source: str
    dated: datetime
    sha256: bytes
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedList:
    """A list in force."""

    id: UUID
    name: str
    kind: ListKind
    source: str
    dated: datetime
    sha256: bytes
    entries: int
    loaded_by: str
    loaded_at: datetime


async def load_list(core: Core, new: NewList, *, actor: str) -> LoadedList:
    """Put a list in force in place of the one of the same name; held payouts are judged again. Raises `FieldInvalid`.

    A list older than the one in force is refused: it would let through what the newer one stops.
    """
    return await core.database.run_once(lambda tx: load_list_within(core, tx, new, actor=actor))


async def load_list_within(core: Core, tx: Connection, new: NewList, *, actor: str) -> LoadedList:
    """`load_list` inside the caller's transaction."""
    if new.dated > clock.now() + CLOCKS_DIFFER:
        raise FieldInvalid("a list is dated when its source made it, not in the future", field="dated")
    current = await tx.fetchrow(sql("supersede_list"), new.name)
    if current is not None and (current["dated"] > new.dated or current["kind"] != new.kind):
        raise FieldInvalid(
            f"the list {new.name!r} in force is a {current['kind']} list of {current['dated']:%Y-%m-%d}: "
            "load a newer one of the same kind",
            field="dated",
        )
    digests = await asyncio.to_thread(_digests, core, new.entries)
    loaded = await _insert(tx, new, len(digests), actor)
    for start in range(0, len(digests), _INSERT_AT_ONCE):
        await tx.execute(sql("insert_list_entries"), loaded.id, digests[start : start + _INSERT_AT_ONCE])
    if current is not None and current["kind"] != ListKind.ALLOW:
        await _keep_for_review(core, tx, current["id"])
    data = json.dumps({"name": new.name, "sha256": new.sha256.hex(), "entries": len(digests)})
    await record_facts(tx, [Fact(subject_id=loaded.id, version=1, type="address_list.loaded", data=data)], actor=actor)
    await tx.execute(sql("judge_gate_again"), [destinations.LISTS])
    await tx.fetch(sql("wait_for_claims"))
    return loaded


async def lists(core: Core) -> list[LoadedList]:
    """The lists in force, by name."""
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("current_lists"))
    return [LoadedList(**{**dict(row), "kind": ListKind(row["kind"])}) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningAnswer:
    """What a screener said of a destination, for how long that counts, and why where it could not tell."""

    address_digest: bytes
    screener: str
    screening: Screening
    lasts: timedelta
    reference: str = ""
    reason: str = ""


async def note_screenings(core: Core, answers: Sequence[ScreeningAnswer]) -> None:
    """Store screeners' answers; payouts that waited for them are judged again."""

    async def work(tx: Connection) -> None:
        await tx.execute(
            sql("upsert_screenings"),
            [answer.address_digest for answer in answers],
            [answer.screener for answer in answers],
            [answer.screening.value for answer in answers],
            [answer.reference or None for answer in answers],
            [answer.lasts.total_seconds() for answer in answers],
            [answer.reason or None for answer in answers],
        )
        await tx.execute(sql("judge_addresses_again"), [answer.address_digest for answer in answers])

    await core.database.run_once(work)


async def note_proof(core: Core, tx: Connection, *, player_id: str, destination: Destination, proof: str) -> None:
    """Note that a player proved a destination to be theirs; `proof` says how, without secrets."""
    await tx.execute(sql("note_proof"), core.digest_recipient(destination), player_id, proof)
    await tx.execute(sql("judge_player_again"), [player_id])


async def _keep_for_review(core: Core, tx: Connection, list_id: UUID) -> None:
    """What this list named is for a person to look at, also where no gate was asked while it was in force."""
    rows = await tx.fetch(sql("not_ended_on_list"), list_id, core.config.manual_providers)
    await holds.open_holds(core, tx, [(row["id"], destinations.NO_LONGER_LISTED) for row in rows])


def _digests(core: Core, entries: Sequence[str]) -> list[bytes]:
    forms = {form for entry in entries for form in canonical_forms(entry, core.config.network)}
    return sorted({core.digest_address(Destination(kind="", value=form)) for form in forms})


async def _insert(tx: Connection, new: NewList, entries: int, actor: str) -> LoadedList:
    columns = (new.name, new.kind.value, new.source, new.dated, new.sha256, entries, actor)
    try:
        row = await tx.fetchrow(sql("insert_list"), ids.new_id(), *columns)
    except asyncpg.UniqueViolationError:
        raise StateConflict(
            f"somebody else is loading {new.name!r} right now: look at the lists, then load again"
        ) from None
    return LoadedList(**{**dict(row or {}), "kind": new.kind})
