"""The legal register: an approval is recorded by one person and in force once another has confirmed it."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from rewardrails import ids
from rewardrails.domain.policy import legal
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid, Forbidden, NotFound, StateConflict
from rewardrails.providers.capabilities import ProviderType
from rewardrails.security.persons import is_one_person
from rewardrails.store.database import Connection
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApproval:
    """What somebody wants allowed. Maxima are smallest units and need a single asset; `campaigns` may hold `*` for all.

    `document_sha256` (32 bytes) and `document_reference` say which document allows it and where it is kept.
    """

    provider_type: ProviderType
    adapter: str
    assets: frozenset[str]
    jurisdictions: frozenset[str]
    campaigns: frozenset[str]
    valid_from: datetime
    valid_until: datetime
    document_reference: str
    document_sha256: bytes
    max_total_minor: int | None = None
    max_per_player_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedApproval(NewApproval):
    """An approval as it stands in the register."""

    id: UUID
    recorded_by: str
    recorded_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    revoked_by: str | None
    revoked_at: datetime | None
    revoke_reason: str | None


async def record(core: Core, new: NewApproval, *, actor: str) -> RecordedApproval:
    """Record an approval; it allows nothing before `confirm`. Raises `FieldInvalid`."""
    return await core.database.run_once(lambda tx: record_within(core, tx, new, actor=actor))


async def record_within(core: Core, tx: Connection, new: NewApproval, *, actor: str) -> RecordedApproval:
    """`record` inside the caller's transaction."""
    _check(core, new)
    row = await tx.fetchrow(
        sql("insert_legal_approval"),
        ids.new_id(),
        new.provider_type.value,
        new.adapter,
        sorted(new.assets),
        sorted(new.jurisdictions),
        sorted(new.campaigns),
        new.max_total_minor,
        new.max_per_player_minor,
        new.valid_from,
        new.valid_until,
        new.document_reference.strip(),
        new.document_sha256,
        actor,
    )
    recorded = _recorded(row)
    data = json.dumps({"document_sha256": new.document_sha256.hex(), "until": new.valid_until.isoformat()})
    await _tell(tx, recorded.id, 1, "legal_approval.recorded", actor=actor, data=data)
    return recorded


async def confirm(core: Core, approval_id: UUID, *, actor: str) -> RecordedApproval:
    """Put an approval in force. Raises `Forbidden` for whoever recorded it, `StateConflict` unless it is open."""
    return await core.database.run_once(lambda tx: confirm_within(tx, approval_id, actor=actor))


async def confirm_within(tx: Connection, approval_id: UUID, *, actor: str) -> RecordedApproval:
    """`confirm` inside the caller's transaction."""
    found = await _locked(tx, approval_id)
    if found.revoked_at is not None:
        raise StateConflict(f"legal approval {approval_id} is revoked: record another")
    if found.confirmed_at is not None:
        if found.confirmed_by == actor:
            return found
        raise StateConflict(f"legal approval {approval_id} is confirmed already")
    if await is_one_person(tx, found.recorded_by, actor):
        raise Forbidden("whoever recorded a legal approval cannot confirm it: ask a second person")
    row = await tx.fetchrow(sql("confirm_legal_approval"), approval_id, actor)
    await _tell(tx, approval_id, 2, "legal_approval.confirmed", actor=actor)
    await tx.execute(sql("judge_gate_again"), [legal.GATE])
    return _recorded(row)


async def revoke(core: Core, approval_id: UUID, *, reason: str, actor: str) -> RecordedApproval:
    """End an approval; nothing is sent under it once this returns. One person is enough to stop things."""
    return await core.database.run_once(lambda tx: revoke_within(tx, approval_id, reason=reason, actor=actor))


async def revoke_within(tx: Connection, approval_id: UUID, *, reason: str, actor: str) -> RecordedApproval:
    """`revoke` inside the caller's transaction."""
    if not reason.strip():
        raise FieldInvalid("say why it is revoked", field="reason")
    found = await _locked(tx, approval_id)
    if found.revoked_at is not None:
        return found
    row = await tx.fetchrow(sql("revoke_legal_approval"), approval_id, actor, reason.strip())
    await _tell(tx, approval_id, 3, "legal_approval.revoked", actor=actor, data=json.dumps({"reason": reason.strip()}))
    await tx.fetch(sql("wait_for_claims"))
    return _recorded(row)


async def register(core: Core) -> list[RecordedApproval]:
    """Every approval there ever was, newest first."""
    async with core.database.reading() as connection:
        return [_recorded(row) for row in await connection.fetch(sql("legal_approvals"))]


def _check(core: Core, new: NewApproval) -> None:
    for field, values in (("assets", new.assets), ("jurisdictions", new.jurisdictions), ("campaigns", new.campaigns)):
        if not values:
            raise FieldInvalid(f"name at least one of {field}", field=field)
    _known("assets", new.assets, core.config.assets)
    _known("campaigns", new.campaigns - {legal.ANY}, core.config.campaigns)
    if new.valid_until <= new.valid_from:
        raise FieldInvalid("it ends before it begins", field="valid_until")
    if not new.document_reference.strip():
        raise FieldInvalid("say where the document is", field="document_reference")
    if len(new.document_sha256) != 32:
        raise FieldInvalid("the SHA-256 of the document has 32 bytes", field="document_sha256")
    bounds = (new.max_total_minor, new.max_per_player_minor)
    if any(bound is not None for bound in bounds) and len(new.assets) > 1:
        raise FieldInvalid("an approval with a maximum names one asset", field="assets")
    if any(bound is not None and bound <= 0 for bound in bounds):
        raise FieldInvalid("a maximum is more than zero", field="max_total")


def _known(field: str, wanted: Collection[str], known: Collection[str]) -> None:
    for name in sorted(set(wanted) - set(known)):
        raise FieldInvalid(f"{name!r} is not configured", field=field)


async def _locked(tx: Connection, approval_id: UUID) -> RecordedApproval:
    row = await tx.fetchrow(sql("lock_legal_approval"), approval_id)
    if row is None:
        raise NotFound(f"there is no legal approval {approval_id}")
    return _recorded(row)


async def _tell(tx: Connection, approval_id: UUID, version: int, kind: str, *, actor: str, data: str = "{}") -> None:
    await record_facts(tx, [Fact(subject_id=approval_id, version=version, type=kind, data=data)], actor=actor)


def _recorded(row: asyncpg.Record | None) -> RecordedApproval:
    fields = dict(row or {})
    bounds = {name: int(fields[name]) for name in ("max_total", "max_per_player") if fields[name] is not None}
    return msgspec.convert(fields | {f"{name}_minor": bound for name, bound in bounds.items()}, RecordedApproval)
