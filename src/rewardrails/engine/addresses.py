"""What is known of destinations: lists loaded from files, screeners' answers, proofs of ownership. Digests only."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from rewardrails import ids
from rewardrails.domain.destination import Destination, canonical_forms
from rewardrails.domain.policy import destinations
from rewardrails.domain.policy.case import ListKind, Screening
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql

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
    return await core.database.run(lambda tx: load_list_within(core, tx, new, actor=actor))


async def load_list_within(core: Core, tx: Connection, new: NewList, *, actor: str) -> LoadedList:
    """`load_list` inside the caller's transaction."""
    current = await tx.fetchrow(sql("supersede_list"), new.name)
    if current is not None and (current["dated"] > new.dated or current["kind"] != new.kind):
        raise FieldInvalid(
            f"the list {new.name!r} in force is a {current['kind']} list of {current['dated']:%Y-%m-%d}: "
            "load a newer one of the same kind",
            field="dated",
        )
    network = core.config.network
    forms = {form for entry in new.entries for form in canonical_forms(entry, network)}
    digests = sorted(core.digest_address(Destination(kind="", value=form)) for form in forms)
    row = await tx.fetchrow(
        sql("insert_list"),
        ids.new_id(),
        new.name,
        new.kind.value,
        new.source,
        new.dated,
        new.sha256,
        len(digests),
        actor,
    )
    loaded = LoadedList(**{**dict(row or {}), "kind": new.kind})
    for start in range(0, len(digests), _INSERT_AT_ONCE):
        await tx.execute(sql("insert_list_entries"), loaded.id, digests[start : start + _INSERT_AT_ONCE])
    data = json.dumps({"name": new.name, "sha256": new.sha256.hex(), "entries": len(digests)})
    await tx.execute(sql("insert_events"), [loaded.id], [1], ["address_list.loaded"], [data], actor)
    await tx.execute(sql("judge_gate_again"), [destinations.LISTS])
    return loaded


async def lists(core: Core) -> list[LoadedList]:
    """The lists in force, by name."""
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("current_lists"))
    return [LoadedList(**{**dict(row), "kind": ListKind(row["kind"])}) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningAnswer:
    """What a screener said of a destination, and for how long that counts."""

    address_digest: bytes
    screener: str
    screening: Screening
    lasts: timedelta
    reference: str = ""


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
        )
        await tx.execute(sql("judge_gate_again"), [destinations.SCREENING])

    await core.database.run(work)


async def note_proof(core: Core, tx: Connection, *, player_id: str, destination: Destination, proof: str) -> None:
    """Note that a player proved a destination to be theirs; `proof` says how, without secrets."""
    await tx.execute(sql("note_proof"), core.digest_address(destination), player_id, proof)
    await tx.execute(sql("judge_player_again"), [player_id])
