"""Pause switches at four levels, of sending and of accepting apart; both look at them inside their own transaction."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from rewardrails import ids
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid, NotFound
from rewardrails.store.database import Connection
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql


class PauseScope(StrEnum):
    """What is paused."""

    EVERYTHING = "everything"
    PROVIDER = "provider"
    CAMPAIGN = "campaign"
    PLAYER = "player"


class PauseStops(StrEnum):
    """What stands still: nothing more is sent, or nothing more is taken on."""

    SENDING = "sending"
    ACCEPTING = "accepting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """An active or lifted pause."""

    id: UUID
    scope: PauseScope
    subject: str
    stops: PauseStops
    reason: str
    created_by: str
    created_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


async def pause(
    core: Core,
    *,
    scope: PauseScope,
    subject: str,
    reason: str,
    actor: str,
    stops: PauseStops = PauseStops.SENDING,
) -> Pause:
    """Stop sending or accepting: nothing that is not yet under way goes on once this returns. Twice keeps the first pause."""
    return await core.database.run(
        lambda tx: pause_within(core, tx, scope=scope, subject=subject, reason=reason, actor=actor, stops=stops)
    )


async def pause_within(
    core: Core,
    tx: Connection,
    *,
    scope: PauseScope,
    subject: str,
    reason: str,
    actor: str,
    stops: PauseStops = PauseStops.SENDING,
) -> Pause:
    """`pause` inside the caller's transaction."""
    subject = subject.strip()
    if (scope is PauseScope.EVERYTHING) != (subject == ""):
        raise FieldInvalid("a pause of everything names no subject; any other one names it", field="subject")
    known = {PauseScope.PROVIDER: core.config.providers, PauseScope.CAMPAIGN: core.config.campaigns}.get(scope)
    if known is not None and subject not in known and not await _has_payouts(tx, scope, subject):
        raise FieldInvalid(f"there is no {scope.value} called {subject!r} in the configuration", field="subject")
    made = await tx.fetchrow(sql("insert_pause"), ids.new_id(), scope.value, subject, reason, actor, stops.value)
    if made is None:
        return _pause(await tx.fetchrow(sql("active_pause"), scope.value, subject, stops.value))
    data = json.dumps({"scope": scope.value, "subject": subject, "stops": stops.value, "reason": reason})
    await record_facts(tx, [Fact(subject_id=made["id"], version=1, type="pause.set", data=data)], actor=actor)
    await tx.fetch(sql("wait_for_claims"))
    return _pause(made)


async def _has_payouts(tx: Connection, scope: PauseScope, subject: str) -> bool:
    """Whether something of it may still move, though it was taken out of the configuration."""
    return bool(await tx.fetchval(sql("has_open_payouts"), scope.value, subject))


async def lift(core: Core, *, pause_id: UUID, actor: str) -> Pause:
    """Let things go on. Raises `NotFound` when no such pause is active."""
    return await core.database.run_once(lambda tx: lift_within(tx, pause_id=pause_id, actor=actor))


async def lift_within(tx: Connection, *, pause_id: UUID, actor: str) -> Pause:
    """`lift` inside the caller's transaction."""
    row = await tx.fetchrow(sql("lift_pause"), pause_id, actor)
    if row is None:
        raise NotFound(f"no pause {pause_id} is active")
    await record_facts(tx, [Fact(subject_id=pause_id, version=2, type="pause.lifted")], actor=actor)
    return _pause(row)


async def active(core: Core) -> list[Pause]:
    """Pauses in force now."""
    async with core.database.reading() as connection:
        return [_pause(row) for row in await connection.fetch(sql("active_pauses"))]


def _pause(row: object) -> Pause:
    fields = dict(row)  # type: ignore[call-overload]
    return Pause(**{**fields, "scope": PauseScope(fields["scope"]), "stops": PauseStops(fields["stops"])})
