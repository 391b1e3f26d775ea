"""Codes and links that rails hand over: sealed with what told of them, given once, given again only for a reason.

Nobody but the game that made the payout is ever shown one: people reopen it, and the game asks again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import msgspec

from rewardrails.domain.bearer import BearerValue
from rewardrails.domain.observation import ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.payout import PayoutState
from rewardrails.engine.core import BEARER_VALUE, Core
from rewardrails.errors import (
    DataErased,
    ErrorCode,
    NotFound,
    ProofRequired,
    RateLimited,
    StateConflict,
    ValueAlreadyRevealed,
    ValueNotReady,
)
from rewardrails.store.database import Connection, one
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql

if TYPE_CHECKING:
    from rewardrails.engine.observe import Seen

REVEALS_PER_MINUTE = 600
"""How many values one caller is given in a minute; whoever steals a key empties no season with it at once."""
MAX_REASON = 500
_ENDED = frozenset({PayoutState.FAILED, PayoutState.CANCELED, PayoutState.RETURNED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealCall:
    """A game's call for a payout's value; `made_by` limits it to payouts of this maker, None is anybody's."""

    payout_id: UUID
    player_id: str
    actor: str
    made_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """A value on its way to the game that asked for it; `number` counts the times it was given, from 1."""

    payout_id: UUID
    player_id: str
    value: BearerValue = field(repr=False)
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueStanding:
    """What may be said of a payout's value without showing it; `is_erased` when its player is."""

    ready_at: datetime
    revealed_at: datetime | None
    revealed_to: str | None
    reveals: int
    is_open: bool
    is_erased: bool


def as_believed(core: Core, item: "Seen") -> "Seen":
    """What is told of a rail that pays by handing over values: it has paid when it has handed one over, not before.

    So "paid" and its value are learnt together, or the rail is asked again. What a person says stands as it is said. The raw
    answer that held a value is not kept.
    """
    seen = item.observation
    if seen.value is not None:
        return replace(item, observation=replace(seen, evidence=replace(seen.evidence, body=b"")))
    if _is_bare(core, item) and item.source is not ObservationSource.OPERATOR:
        untold = replace(seen, status=ObservedStatus.UNKNOWN, code=ErrorCode.OUTCOME_UNKNOWN)
        return replace(item, observation=untold)
    return item


async def keep(
    core: Core,
    connection: Connection,
    group: Sequence["Seen"],
    salts: Mapping[UUID, bytes | None],
) -> None:
    """Store what rails handed over, inside the transaction that applies it; each attempt's first word counts.

    What comes after its player was erased is not kept. A settled attempt without its value is asked about again.
    """
    sealed = [
        (item.ref, core.vault.seal(_encoded(value), BEARER_VALUE, salt))
        for item in group
        if (value := item.observation.value) is not None and (salt := salts[item.ref.payout_id]) is not None
    ]
    if sealed:
        payouts, attempts = _columns([ref for ref, _ in sealed])
        values = [one_sealed for _, one_sealed in sealed]
        await connection.execute(sql("keep_values"), payouts, attempts, values, core.vault.key_id)
    if wanted := [item.ref for item in group if item.observation.value is None and _hands_over(core, item)]:
        await connection.execute(sql("ask_for_values"), *_columns(wanted))


async def reveal(core: Core, call: RevealCall) -> Revealed:
    """The value of a player's payout, once.

    Raises `NotFound` where the payout is not there, not the caller's or not this player's; `ValueNotReady` until the rail has
    handed it over, `ValueAlreadyRevealed`, `StateConflict` for a payout that has none, `RateLimited`, `DataErased`,
    `KeyMissing`.
    """
    return await core.database.run_once(lambda tx: _reveal(core, tx, call))


async def reissue(core: Core, payout_id: UUID, *, reason: str, actor: str) -> ValueStanding:
    """Let a value that was given be given once more, to its game as before; whoever allows it does not see it.

    Raises `ProofRequired` without a reason, `NotFound`, `StateConflict` for a value that may be asked for already.
    """
    return await core.database.run_once(lambda tx: reissue_within(core, tx, payout_id, reason=reason, actor=actor))


async def reissue_within(core: Core, tx: Connection, payout_id: UUID, *, reason: str, actor: str) -> ValueStanding:
    """`reissue` inside the caller's transaction."""
    why = reason.strip()
    if not 0 < len(why) <= MAX_REASON or not why.isprintable():
        raise ProofRequired(f"say why in 1 to {MAX_REASON} printable characters, such as a case number", field="reason")
    payout = await _locked(tx, payout_id)
    row = await tx.fetchrow(sql("value_of_payout"), payout_id)
    if row is None:
        raise _no_value(core, payout)
    if _is_open(row):
        raise StateConflict(f"the value of payout {payout_id} may be asked for already: its game has not done so")
    if _is_erased(row):
        raise DataErased(f"the value of payout {payout_id} was erased with its player")
    number = row["reveals"] + 1
    await tx.execute(sql("insert_reissue"), payout_id, row["attempt_no"], number, actor, why)
    await _tell(tx, row, "bearer.reissued", actor, number)
    return _standing(one(await tx.fetchrow(sql("value_of_payout"), payout_id)))


async def standing(connection: Connection, payout_id: UUID) -> ValueStanding | None:
    """Whether a payout's value is there and was given; None where there is none."""
    row = await connection.fetchrow(sql("value_of_payout"), payout_id)
    return None if row is None else _standing(row)


async def _reveal(core: Core, tx: Connection, call: RevealCall) -> Revealed:
    payout = await _locked(tx, call.payout_id)
    if call.player_id != payout["player_id"] or call.made_by not in (None, payout["created_by"]):
        raise _nothing(call.payout_id)
    row = await tx.fetchrow(sql("value_of_payout"), call.payout_id)
    if row is None:
        raise _no_value(core, payout)
    if not _is_open(row):
        raise ValueAlreadyRevealed(
            f"the value of payout {call.payout_id} was given out at {row['revealed_at']:%Y-%m-%d %H:%M}Z: show the player what "
            "you kept; if that answer was lost, have support reissue it (POST .../value/reissue, with a reason) and ask again"
        )
    if await tx.fetchval(sql("reveals_of_late"), call.actor) >= REVEALS_PER_MINUTE:
        raise RateLimited(f"{REVEALS_PER_MINUTE} values were given to you in a minute: wait", retry_after_seconds=60)
    value = _opened(core, row)  # before it is written down that somebody saw it
    number = row["reveals"] + 1
    await tx.execute(sql("insert_reveal"), call.payout_id, row["attempt_no"], number, call.actor)
    await _tell(tx, row, "bearer.revealed", call.actor, number)
    return Revealed(payout_id=call.payout_id, player_id=call.player_id, value=value, number=number)


async def _locked(tx: Connection, payout_id: UUID) -> asyncpg.Record:
    """The payout's row, and nobody is erased until the end: what is told here was still there."""
    await tx.execute(sql("writing_for_players"))
    rows = await tx.fetch(sql("lock_payouts"), [payout_id])
    if not rows:
        raise _nothing(payout_id)
    return rows[0]


async def _tell(tx: Connection, row: asyncpg.Record, event: str, actor: str, number: int) -> None:
    noted = one(await tx.fetchrow(sql("next_version_of_payout"), row["payout_id"]))
    fact = Fact(
        subject_id=row["payout_id"],
        version=noted["version"],
        type=event,
        data=json.dumps({"attempt": row["attempt_no"], "number": number}),
        before=noted["digest"],
        after=noted["digest"],
    )
    await record_facts(tx, [fact], actor=actor)


def _hands_over(core: Core, item: "Seen") -> bool:
    known = core.providers.get(item.provider)
    return known is not None and known.capabilities.hands_over_values


def _is_bare(core: Core, item: "Seen") -> bool:
    return item.observation.status is ObservedStatus.PAID and _hands_over(core, item)


def _is_open(row: asyncpg.Record) -> bool:
    return bool(row["reveals"] == row["reissues"])


def _is_erased(row: asyncpg.Record) -> bool:
    return not row["sealed"] or row["salt"] is None


def _standing(row: asyncpg.Record) -> ValueStanding:
    return ValueStanding(
        ready_at=row["ready_at"],
        revealed_at=row["revealed_at"],
        revealed_to=row["revealed_to"],
        reveals=row["reveals"],
        is_open=_is_open(row) and not _is_erased(row),
        is_erased=_is_erased(row),
    )


def _no_value(core: Core, payout: asyncpg.Record) -> ValueNotReady | StateConflict:
    state, provider = PayoutState(payout["state"]), core.providers.get(payout["provider"] or "")
    if state in _ENDED:
        return StateConflict(f"payout {payout['id']} is {state.value}: there is nothing to hand over")
    if provider is not None and not provider.capabilities.hands_over_values:
        return StateConflict(f"payout {payout['id']} goes over {provider.name}, which pays without a code or link")
    return ValueNotReady(f"payout {payout['id']} is {state.value}, its code or link is not there yet: ask again later")


def _nothing(payout_id: UUID) -> NotFound:
    return NotFound(f"there is no payout {payout_id}")


def _columns(refs: Sequence[AttemptRef]) -> tuple[list[UUID], list[int]]:
    return [ref.payout_id for ref in refs], [ref.attempt_no for ref in refs]


def _encoded(value: BearerValue) -> bytes:
    return msgspec.json.encode([value.code, value.pin, value.link])


def _opened(core: Core, row: asyncpg.Record) -> BearerValue:
    plain = core.vault.open(row["sealed"], BEARER_VALUE, row["key_id"], row["salt"])
    code, pin, link = msgspec.json.decode(plain, type=tuple[str, str, str])
    return BearerValue(code=code, pin=pin, link=link)
