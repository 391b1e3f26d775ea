"""Providers' notices: believed only with a valid signature, kept raw, applied in batches, quarantined when they fit nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import cast
from uuid import UUID

import asyncpg
import msgspec
import structlog

from rewardrails import ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine.core import Core
from rewardrails.engine.observe import Seen, Verdict, apply_within, new_seen
from rewardrails.errors import ErrorCode, NotFound
from rewardrails.providers.base import SupportsWebhooks
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql

_BODY = b"webhook"
_OBSERVATIONS = b"webhook-observations"
MATCH_WITHIN_SECONDS = 3600.0
LOOK_AGAIN_SECONDS = 10.0
log = structlog.get_logger(__name__)


class InboxState(StrEnum):
    """Where a stored notice stands."""

    WAITING = "waiting"
    APPLIED = "applied"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice whose signature held; raw bytes and what the adapter read in them."""

    provider: str
    event_key: str
    body: bytes = field(repr=False)
    observations: tuple[Observation, ...]


class _Stored(msgspec.Struct, omit_defaults=True):
    """An observation as kept in the inbox (sealed: a destination is personal)."""

    status: ObservedStatus
    rail_key: str = ""
    provider_reference: str = ""
    amount: tuple[str, str] | None = None
    fee: tuple[str, str] | None = None
    destination: tuple[str, str, str] | None = None
    code: ErrorCode | None = None
    retryable: bool = False
    live: bool | None = None
    provider_status: str = ""
    provider_code: str = ""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(list[_Stored])


def verify(core: Core, provider_name: str, request: WebhookRequest) -> Notice:
    """Check a notice with its provider's adapter.

    Raises `NotFound` for a provider that takes none, `WebhookRefused` for what the adapter disbelieves.
    """
    provider = core.providers.get(provider_name)
    if provider is None or not _takes_webhooks(type(provider)):
        raise NotFound(f"no enabled provider called {provider_name!r} takes webhooks")
    observations = cast(SupportsWebhooks, provider).receive(request)
    key = observations[0].event_key if observations else ""
    return Notice(
        provider=provider_name,
        event_key=key or core.vault.digest(request.body).hex(),
        body=request.body,
        observations=observations,
    )


@cache
def _takes_webhooks(kind: type) -> bool:
    """Asking a protocol costs more than checking a signature, so each adapter is asked once."""
    return issubclass(kind, SupportsWebhooks)


async def store_notices(core: Core, notices: Sequence[Notice]) -> list[None]:
    """Keep notices, each once; a redelivery changes nothing. When this returns they will be applied, whatever crashes."""
    columns = (
        [ids.new_id() for _ in notices],
        [notice.provider for notice in notices],
        [notice.event_key for notice in notices],
        [core.vault.seal(notice.body, _BODY) for notice in notices],
        [
            core.vault.seal(_ENCODER.encode([_pack(o) for o in notice.observations]), _OBSERVATIONS)
            for notice in notices
        ],
    )

    async def work(connection: Connection) -> None:
        await connection.execute(sql("insert_webhooks"), *columns, core.vault.key_id)

    await core.database.run(work)
    return [None] * len(notices)


async def apply_notices(core: Core, limit: int) -> int:
    """Apply waiting notices in one transaction; answers how many were taken up.

    One that matches nothing yet is tried again for an hour, then quarantined; one whose amount, asset, destination,
    reference, provider or environment is not what was sent is quarantined at once and moves nothing.
    """
    taken: list[UUID] = []
    try:
        return await core.database.run(lambda connection: _apply_batch(core, connection, limit, taken))
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError):
        if len(taken) > 1:  # one notice at a time, until the one at fault stands alone
            return sum([await apply_notices(core, 1) for _ in taken])
        log.exception("webhook_quarantined", inbox_ids=[str(inbox_id) for inbox_id in taken])
        fault = [(inbox_id, InboxState.QUARANTINED, ErrorCode.FIELD_INVALID, 0.0) for inbox_id in taken]
        await core.database.run(lambda connection: _settle(connection, fault))
        return len(taken)


async def _apply_batch(core: Core, connection: Connection, limit: int, claimed: list[UUID]) -> int:
    rows = await connection.fetch(sql("claim_webhooks"), limit, MATCH_WITHIN_SECONDS)
    claimed[:] = [row["id"] for row in rows]
    if not rows:
        return 0
    read = {row["id"]: _read(core, row) for row in rows}
    refs = await _resolve_references(connection, rows, read)
    taken: set[UUID] = set()
    now: list[tuple[asyncpg.Record, list[Seen]]] = []
    postponed = []
    settled: list[tuple[UUID, InboxState, ErrorCode | None, float]] = []
    for row in rows:
        if any(not _right_environment(core, row["provider"], seen) for seen in read[row["id"]]):
            settled.append((row["id"], InboxState.QUARANTINED, ErrorCode.WEBHOOK_SUBJECT_MISMATCH, 0.0))
            continue
        seen = [_seen(row["provider"], item, refs) for item in read[row["id"]]]
        known = [item for item in seen if item is not None]
        subjects = [item.ref.payout_id for item in known]
        if len(known) < len(seen):
            settled.append(_unmatched(row))
        elif taken & set(subjects) or len(set(subjects)) < len(subjects):
            postponed.append((row, known))
        else:
            taken |= set(subjects)
            now.append((row, known))
    settled += await _apply_group(core, connection, now)
    for row, known in postponed:  # a second notice about a payout in this batch: after the first, in order
        for item in known:
            settled += await _apply_group(core, connection, [(row, [item])])
    await _settle(connection, settled)
    return len(rows)


async def _settle(connection: Connection, settled: Sequence[tuple[UUID, InboxState, ErrorCode | None, float]]) -> None:
    final = {entry[0]: entry for entry in settled}
    await connection.execute(
        sql("settle_webhooks"),
        list(final),
        [entry[1].value for entry in final.values()],
        [entry[2].value if entry[2] else None for entry in final.values()],
        [entry[3] for entry in final.values()],
    )


async def _apply_group(
    core: Core, connection: Connection, group: Sequence[tuple[asyncpg.Record, list[Seen]]]
) -> list[tuple[UUID, InboxState, ErrorCode | None, float]]:
    verdicts = await apply_within(core, connection, [item for _, known in group for item in known]) if group else {}
    settled: list[tuple[UUID, InboxState, ErrorCode | None, float]] = []
    for row, known in group:
        words = {verdicts[item.id] for item in known}
        if Verdict.MISMATCH in words:
            log.error("webhook_quarantined", provider=row["provider"], inbox_id=str(row["id"]))
            settled.append((row["id"], InboxState.QUARANTINED, ErrorCode.WEBHOOK_SUBJECT_MISMATCH, 0.0))
        elif Verdict.UNMATCHED in words:
            settled.append(_unmatched(row))
        else:
            settled.append((row["id"], InboxState.APPLIED, None, 0.0))
    return settled


def _unmatched(row: asyncpg.Record) -> tuple[UUID, InboxState, ErrorCode | None, float]:
    if row["overdue"]:
        log.error("webhook_quarantined", provider=row["provider"], inbox_id=str(row["id"]))
        return row["id"], InboxState.QUARANTINED, ErrorCode.NOT_FOUND, 0.0
    return row["id"], InboxState.WAITING, ErrorCode.NOT_FOUND, LOOK_AGAIN_SECONDS


def _read(core: Core, row: asyncpg.Record) -> list[Observation]:
    sealed = core.vault.open(row["observations"], _OBSERVATIONS, core.vault.key_id)
    return [_unpack(item, row["event_key"]) for item in _DECODER.decode(sealed)]


async def _resolve_references(
    connection: Connection, rows: Sequence[asyncpg.Record], read: dict[UUID, list[Observation]]
) -> dict[tuple[str, str], AttemptRef]:
    """Attempts of notices that name only the provider's reference."""
    wanted: dict[str, set[str]] = {}
    for row in rows:
        for item in read[row["id"]]:
            if not item.rail_key and item.provider_reference:
                wanted.setdefault(row["provider"], set()).add(item.provider_reference)
    found = {}
    for provider, references in wanted.items():
        for row in await connection.fetch(sql("attempts_by_provider_reference"), provider, sorted(references)):
            ref = AttemptRef(payout_id=row["payout_id"], attempt_no=row["attempt_no"])
            found[provider, row["provider_reference"]] = ref
    return found


def _seen(provider: str, item: Observation, refs: dict[tuple[str, str], AttemptRef]) -> Seen | None:
    ref = AttemptRef.parse(item.rail_key) if item.rail_key else refs.get((provider, item.provider_reference))
    if ref is None:
        return None
    return new_seen(
        ref=ref, provider=provider, source=ObservationSource.WEBHOOK, observation=item, actor=f"provider:{provider}"
    )


def _right_environment(core: Core, provider: str, item: Observation) -> bool:
    settings = core.config.providers.get(provider)
    if item.live is None or settings is None:
        return True
    return item.live == (settings.environment is ProviderEnvironment.LIVE)


def _pack(item: Observation) -> _Stored:
    return _Stored(
        status=item.status,
        rail_key=item.rail_key,
        provider_reference=item.provider_reference,
        amount=(str(item.amount.amount_minor), item.amount.asset) if item.amount else None,
        fee=(str(item.fee.amount_minor), item.fee.asset) if item.fee else None,
        destination=(item.destination.kind, item.destination.value, item.destination.memo)
        if item.destination
        else None,
        code=item.code,
        retryable=item.retryable,
        live=item.live,
        provider_status=item.evidence.provider_status,
        provider_code=item.evidence.provider_code,
    )


def _unpack(item: _Stored, event_key: str) -> Observation:
    return Observation(
        status=item.status,
        rail_key=item.rail_key,
        provider_reference=item.provider_reference,
        amount=_money(item.amount),
        fee=_money(item.fee),
        destination=Destination(kind=item.destination[0], value=item.destination[1], memo=item.destination[2])
        if item.destination
        else None,
        code=item.code,
        retryable=item.retryable,
        live=item.live,
        event_key=event_key,
        evidence=Evidence(provider_status=item.provider_status, provider_code=item.provider_code),
    )


def _money(packed: tuple[str, str] | None) -> Money | None:
    return Money(amount_minor=int(packed[0]), asset=packed[1]) if packed else None
