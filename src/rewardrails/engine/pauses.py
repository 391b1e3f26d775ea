"""Pause switches: for everything, a provider or a campaign; the sender looks at them in every claim."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from rewardrails import ids
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid, NotFound
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql


class PauseScope(StrEnum):
    """What is paused."""

    EVERYTHING = "everything"
    PROVIDER = "provider"
    CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """An active or lifted pause."""

    id: UUID
    scope: PauseScope
    subject: str
    reason: str
    created_by: str
    created_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


async def pause(core: Core, *, scope: PauseScope, subject: str, reason: str, actor: str) -> Pause:
    """Stop sending; nothing that is not yet under way is sent once this returns. Pausing twice keeps the first pause."""
    return await core.database.run(
        lambda tx: pause_within(core, tx, scope=scope, subject=subject, reason=reason, actor=actor)
    )


async def pause_within(
    core: Core, tx: Connection, *, scope: PauseScope, subject: str, reason: str, actor: str
) -> Pause:
    """`pause` inside the caller's transaction."""
    if (scope is PauseScope.EVERYTHING) != (subject == ""):
        raise FieldInvalid(
            "a pause of everything names no subject; one of a provider or campaign names it", field="subject"
        )
    known = {PauseScope.PROVIDER: core.config.providers, PauseScope.CAMPAIGN: core.config.campaigns}.get(scope)
    if known is not None and subject not in known:
        raise FieldInvalid(f"there is no {scope.value} called {subject!r} in the configuration", field="subject")
    made = await tx.fetchrow(sql("insert_pause"), ids.new_id(), scope.value, subject, reason, actor)
    if made is None:
        return _pause(await tx.fetchrow(sql("active_pause"), scope.value, subject))
    data = json.dumps({"scope": scope.value, "subject": subject, "reason": reason})
    await tx.execute(sql("insert_events"), [made["id"]], [1], ["pause.set"], [data], actor)
    await tx.fetch(sql("wait_for_claims"))
    return _pause(made)


async def lift(core: Core, *, pause_id: UUID, actor: str) -> Pause:
    """Let sending go on. Raises `NotFound` when no such pause is active."""
    return await core.database.run_once(lambda tx: lift_within(tx, pause_id=pause_id, actor=actor))


async def lift_within(tx: Connection, *, pause_id: UUID, actor: str) -> Pause:
    """`lift` inside the caller's transaction."""
    row = await tx.fetchrow(sql("lift_pause"), pause_id, actor)
    if row is None:
        raise NotFound(f"no pause {pause_id} is active")
    await tx.execute(sql("insert_events"), [pause_id], [2], ["pause.lifted"], ["{}"], actor)
    return _pause(row)


async def active(core: Core) -> list[Pause]:
    """Pauses in force now."""
    async with core.database.reading() as connection:
        return [_pause(row) for row in await connection.fetch(sql("active_pauses"))]


def _pause(row: object) -> Pause:
    fields = dict(row)  # type: ignore[call-overload]
    return Pause(**{**fields, "scope": PauseScope(fields["scope"])})
