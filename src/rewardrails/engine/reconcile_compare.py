"""The comparison of a reconciliation: a handful of statements over everything that was gathered, in one transaction."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import asyncpg

from rewardrails import ids
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.statement import FindingKind, Statements
from rewardrails.engine.core import Core
from rewardrails.errors import StateConflict
from rewardrails.store.database import Connection, one
from rewardrails.store.facts import Fact, record_facts, tell
from rewardrails.store.sql import sql

RECONCILER = "reconciliation"
"""The name under which a run closes a finding that it sees match."""
PUT_BATCH = 1_000
SENT = ("accepted", "settled", "returned")
BOOKED = ("settled",)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Difference:
    """Something that is not the same there and here; `is_young`: it may yet settle by itself."""

    kind: FindingKind
    subject: str
    payout_id: UUID | None
    attempt_no: int | None
    theirs: dict[str, object]
    ours: dict[str, object]
    digest: bytes
    is_young: bool


async def compare(core: Core, run_id: UUID, *, margin: timedelta, actor: str) -> asyncpg.Record:
    """Hold a run's items against our attempts, open and close findings, and end the run; answers its row.

    Raises `StateConflict` when it was given up meanwhile.
    """

    async def work(tx: Connection) -> asyncpg.Record:
        run = await tx.fetchrow(sql("lock_reconciliation"), run_id)
        if run is None or run["state"] != "running":
            raise StateConflict(f"reconciliation {run_id} was given up meanwhile: begin another")
        await match(tx, run_id, run["provider"])
        if run["source"] == Statements.FILE:
            await tx.execute(sql("keep_statement_matches"), run_id)
        found = await _differences(tx, run, margin)
        opened = await _put(tx, run, found)
        closed = await tx.fetch(sql("close_matching_findings"), run["provider"], run_id, RECONCILER)
        await _tell_all(tx, closed, "finding.closed", actor=RECONCILER, run_id=run_id)
        return await _end(tx, run_id, found, opened=opened, closed=len(closed), actor=actor)

    return await core.database.run_once(work)


async def match(tx: Connection, run_id: UUID, provider: str) -> None:
    """Say of each item which attempt it is about, by our name or by the provider's; again changes nothing."""
    await tx.execute(sql("match_items_by_our_name"), run_id, provider)
    await tx.execute(sql("match_items_by_their_name"), run_id, provider)


async def _differences(tx: Connection, run: asyncpg.Record, margin: timedelta) -> list[_Difference]:
    quiet_since = run["now"] - margin
    span = run["covers_from"], run["covers_to"]
    is_file = run["source"] == Statements.FILE
    told = await tx.fetch(sql("item_differences"), run["id"], *span, quiet_since, is_file)
    start, end = await _expected(tx, run, margin, quiet_since)
    missing = await tx.fetch(
        sql("attempts_missing_there"), run["id"], run["provider"], start, end, BOOKED if is_file else SENT, is_file
    )
    return [*map(_of_item, told), *map(_of_attempt, missing)]


async def _expected(
    tx: Connection, run: asyncpg.Record, margin: timedelta, quiet_since: datetime
) -> tuple[datetime, datetime]:
    """Since and until when what we sent must be there: what went out just before the end may still be on its way there.

    Of a list, the edges were read too. A file knows nothing beyond its own, and what it does not hold may stand in the one
    before; what came before the first of them is nobody's to judge.
    """
    if run["source"] != Statements.FILE:
        return run["covers_from"], min(run["covers_to"], quiet_since)
    first = await tx.fetchval(sql("first_statement_of"), run["provider"]) or run["covers_from"]
    return max(first, run["covers_from"] - margin), run["covers_to"] - margin


def _of_item(row: asyncpg.Record) -> _Difference:
    kind = FindingKind(row["kind"])
    theirs = _plain(
        item_id=row["item_id"],
        provider_reference=row["provider_reference"],
        reference=row["reference"],
        amount_minor=row["amount"],
        asset=row["asset"],
        told=row["told"],
        fee_minor=row["fee"],
        status=row["standing"],
        provider_status=row["provider_status"],
        at=row["at"],
    )
    ours = _ours(row) if row["is_known"] else {}
    return _Difference(
        kind=kind,
        subject=row["item_id"],
        payout_id=row["payout_id"] if row["is_known"] else None,
        attempt_no=row["attempt_no"] if row["is_known"] else None,
        theirs=theirs,
        ours=ours,
        digest=_digest(kind, theirs, ours),
        is_young=row["is_young"] and kind is not FindingKind.MISSING_HERE,
    )


def _of_attempt(row: asyncpg.Record) -> _Difference:
    ref = AttemptRef(payout_id=row["payout_id"], attempt_no=row["attempt_no"])
    ours = _ours(row) | _plain(at=row["at"])
    return _Difference(
        kind=FindingKind.MISSING_THERE,
        subject=ref.rail_key,
        payout_id=ref.payout_id,
        attempt_no=ref.attempt_no,
        theirs={},
        ours=ours,
        digest=_digest(FindingKind.MISSING_THERE, {}, ours),
        is_young=False,
    )


def _ours(row: asyncpg.Record) -> dict[str, object]:
    return _plain(
        attempt_state=row["our_state"],
        payout_state=row["our_payout_state"],
        amount_minor=row["our_amount"],
        asset=row["our_asset"],
        fee_minor=row["our_fee"],
        provider_reference=row["our_provider_reference"],
    )


def _plain(**fields: object) -> dict[str, object]:
    """As JSON says it: amounts as text, for they are longer than its readers' numbers."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, int) else value
        for name, value in fields.items()
        if value is not None
    }


# What makes a difference another one than it was; everything else may change about it and it stays the same.
_COUNTS: Mapping[FindingKind, Sequence[str]] = {
    FindingKind.MISSING_THERE: ("attempt_state",),
    FindingKind.MISSING_HERE: ("amount_minor", "asset", "told"),
    FindingKind.NOT_OURS: ("amount_minor", "asset", "told"),
    FindingKind.PAID_TWICE: ("amount_minor", "asset", "told"),
    FindingKind.AMOUNT_DIFFERS: ("amount_minor", "asset", "told"),
    FindingKind.FEE_DIFFERS: ("fee_minor",),
    FindingKind.STATE_DIFFERS: ("status", "attempt_state"),
}


def _digest(kind: FindingKind, theirs: Mapping[str, object], ours: Mapping[str, object]) -> bytes:
    counted = [[side.get(name) for name in _COUNTS[kind]] for side in (theirs, ours)]
    return sha256(json.dumps(counted).encode()).digest()


async def _put(tx: Connection, run: asyncpg.Record, found: Sequence[_Difference]) -> int:
    """Open or touch the findings; answers how many are new."""
    opened = 0
    for part in _parts(found):
        new = [ids.new_id() for _ in part]
        rows = await tx.fetch(
            sql("put_findings"),
            run["provider"],
            run["id"],
            new,
            [each.kind.value for each in part],
            [each.subject for each in part],
            [each.payout_id for each in part],
            [each.attempt_no for each in part],
            [json.dumps(each.theirs) for each in part],
            [json.dumps(each.ours) for each in part],
            [each.digest for each in part],
            [each.is_young for each in part],
            RECONCILER,
        )
        fresh = set(new)
        told = [row for row in rows if row["id"] in fresh]
        await _tell_all(tx, told, "finding.opened", actor=run["started_by"], run_id=run["id"])
        opened += len(told)
    return opened


def _parts(found: Sequence[_Difference]) -> Iterator[Sequence[_Difference]]:
    for first in range(0, len(found), PUT_BATCH):
        yield found[first : first + PUT_BATCH]


async def _tell_all(tx: Connection, rows: Sequence[asyncpg.Record], event: str, *, actor: str, run_id: UUID) -> None:
    """An event for each finding; its first is its opening, a closing is its second."""
    version = 1 if event == "finding.opened" else 2
    facts = [
        Fact(
            subject_id=row["id"],
            version=version,
            type=event,
            data=json.dumps(
                {
                    "kind": row["kind"],
                    "payout_id": str(row["payout_id"]) if row["payout_id"] else None,
                    "run": str(run_id),
                }
            ),
        )
        for row in rows
    ]
    for first in range(0, len(facts), PUT_BATCH):
        await record_facts(tx, facts[first : first + PUT_BATCH], actor=actor)


async def _end(
    tx: Connection, run_id: UUID, found: Sequence[_Difference], *, opened: int, closed: int, actor: str
) -> asyncpg.Record:
    counted = one(await tx.fetchrow(sql("count_statement_items"), run_id))
    different = {difference.subject for difference in found if difference.theirs and difference.ours}
    row = one(
        await tx.fetchrow(
            sql("end_reconciliation"),
            run_id,
            counted["items"],
            counted["known"] - len(different),
            sum(not difference.is_young for difference in found),
            opened,
            closed,
        )
    )
    await tx.execute(sql("forget_statement_items"), run_id)
    figures = {name: row[name] for name in ("items", "matched", "found", "opened", "closed")}
    await tell(tx, run_id, "reconciliation.done", actor, **figures)
    return row
