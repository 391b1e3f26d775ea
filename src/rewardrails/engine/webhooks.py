"""Providers' notices: believed only with a valid signature, kept raw, applied in batches, quarantined when they fit nothing."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache, partial
from typing import cast
from uuid import UUID

import asyncpg
import structlog

from rewardrails import ids
from rewardrails.domain.observation import Observation, ObservationSource
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine import notice_codec
from rewardrails.engine.core import Core
from rewardrails.engine.observe import Seen, Verdict, apply_within, new_seen
from rewardrails.engine.player_salts import salts_of_payouts
from rewardrails.errors import ConfigInvalid, ErrorCode, NotFound, WebhookRefused
from rewardrails.providers.base import SupportsNoticeKeys, SupportsWebhooks
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql

BODY = b"webhook"
OBSERVATIONS = b"webhook-observations"
MATCH_WITHIN_SECONDS = 3600.0
LOOK_AGAIN_SECONDS = 10.0
MAX_EVENT_KEY = 200
# The notice is at fault, not the moment: trying it again would end the same.
_CANNOT_BE_APPLIED = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,
)
_DOES_NOT_FIT = frozenset({Verdict.MISMATCH, Verdict.UNMATCHED})
_Known = tuple[asyncpg.Record, Sequence[Seen]]  # a notice, and the attempts it speaks of
log = structlog.get_logger(__name__)


class _DoesNotFit(Exception):
    """Takes back what a notice has moved before it said something that does not fit."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    """What became of a stored notice; one that waits is looked at again soon."""

    id: UUID
    provider: str
    state: InboxState
    code: ErrorCode | None = None
    kept: "_Kept | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What is kept of a notice that was judged: its body, sealed for the one player it speaks of; of several or none, nothing."""

    body: bytes = field(repr=False)
    player_id: str | None


async def fetch_keys(core: Core, provider_name: str, request: WebhookRequest) -> None:
    """Let the provider's adapter fetch what `verify` will need, where it has keys to fetch; its failures show there."""
    provider = core.providers.get(provider_name)
    if provider is not None and _fetches_keys(type(provider)):
        await cast(SupportsNoticeKeys, provider).fetch_keys(request)


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
        event_key=key if _can_be_kept(key) else core.vault.digest(request.body).hex(),
        body=request.body,
        observations=observations,
    )


def _can_be_kept(event_key: str) -> bool:
    """Whether a vendor's name for an event can be a unique key here; the digest of the body is one otherwise."""
    return 0 < len(event_key) <= MAX_EVENT_KEY and event_key.isprintable()


@cache
def _takes_webhooks(kind: type) -> bool:
    """Asking a protocol costs more than checking a signature, so each adapter is asked once."""
    return issubclass(kind, SupportsWebhooks)


@cache
def _fetches_keys(kind: type) -> bool:
    return issubclass(kind, SupportsNoticeKeys)


async def store_notices(core: Core, notices: Sequence[Notice]) -> list[WebhookRefused | None]:
    """Keep notices, each once; a redelivery changes nothing. When this returns they will be applied, whatever crashes.

    Answers a refusal for each that says what cannot be kept: it would be the same however often it came.
    """
    answers = [_sealed(core, notice) for notice in notices]
    kept = [
        (notice, sealed)
        for notice, sealed in zip(notices, answers, strict=True)
        if not isinstance(sealed, WebhookRefused)
    ]
    columns = (
        [ids.new_id() for _ in kept],
        [notice.provider for notice, _ in kept],
        [notice.event_key for notice, _ in kept],
        [core.vault.seal(notice.body, BODY) for notice, _ in kept],
        [sealed for _, sealed in kept],
    )

    async def work(connection: Connection) -> None:
        await connection.execute(sql("insert_webhooks"), *columns, core.vault.key_id)

    await core.database.run(work)
    return [answer if isinstance(answer, WebhookRefused) else None for answer in answers]


def _sealed(core: Core, notice: Notice) -> bytes | WebhookRefused:
    try:
        return core.vault.seal(notice_codec.encode(notice.observations), OBSERVATIONS)
    except ValueError:
        return WebhookRefused(
            "the webhook is genuine and says what cannot be kept: look at what its provider sends",
            code=ErrorCode.FIELD_INVALID,
        )


async def apply_notices(core: Core, limit: int) -> int:
    """Apply waiting notices in one transaction; answers how many were taken up.

    One that matches nothing yet, or does not open, is tried again for an hour, then quarantined; one whose amount, asset,
    destination, reference, provider or environment is not what was sent is quarantined at once. What is quarantined moves
    nothing, and is told in the log.
    """
    claimed: list[asyncpg.Record] = []
    try:
        settled = await core.database.run(lambda connection: _apply_batch(core, connection, limit, claimed))
    except _CANNOT_BE_APPLIED as error:
        if len(claimed) > 1:  # one notice at a time, until the one at fault stands alone
            return sum([await apply_notices(core, 1) for _ in claimed])
        log.warning("webhook_not_applied", error=type(error).__name__)  # its words may quote what it could not store
        settled = [_quarantined(row, ErrorCode.FIELD_INVALID) for row in claimed]
        await core.database.run(lambda connection: _settle(core, connection, settled))
    for item in settled:
        if item.state is InboxState.QUARANTINED:
            log.error("webhook_quarantined", provider=item.provider, inbox_id=str(item.id), code=item.code)
    return len(settled)


async def _apply_batch(
    core: Core, connection: Connection, limit: int, claimed: list[asyncpg.Record]
) -> Sequence[_Settled]:
    claimed[:] = await connection.fetch(sql("claim_webhooks"), limit, MATCH_WITHIN_SECONDS)
    if not claimed:
        return []
    read = {row["id"]: _read(core, row) for row in claimed}
    refs = await _resolve_references(connection, claimed, read)
    readable: list[_Known] = []
    settled: list[_Settled] = []
    for row in claimed:
        observations = read[row["id"]]
        known = _subjects(row["provider"], observations, refs) if observations is not None else None
        if observations is None:
            settled.append(_later(row, ErrorCode.CONFIG_INVALID))
        elif any(not _right_environment(core, row["provider"], item) for item in observations):
            settled.append(_quarantined(row, ErrorCode.WEBHOOK_SUBJECT_MISMATCH))
        elif known is None:
            settled.append(_later(row, ErrorCode.NOT_FOUND))
        else:
            readable.append((row, known))
    verdicts: dict[UUID, Verdict] = {}
    for wave in _in_waves(readable):
        alone = [item for _, known in wave if len(known) == 1 for item in known]
        verdicts |= await apply_within(core, connection, alone) if alone else {}
        for _, known in wave:
            verdicts |= await _apply_whole(core, connection, known) if len(known) > 1 else {}
    players = await salts_of_payouts(connection, [item.ref.payout_id for _, known in readable for item in known])
    settled += [
        _judged(row, {verdicts[item.id] for item in known}, partial(_kept, core, row, known, players))
        for row, known in readable
    ]
    await _settle(core, connection, settled)
    return settled


def _in_waves(notices: Sequence[_Known]) -> Sequence[Sequence[_Known]]:
    """Notices in waves, each of which speaks of a payout once: what is said of one payout is applied in order."""
    waves: list[list[_Known]] = []
    spoken: dict[UUID, int] = {}
    for row, known in notices:
        payouts = {item.ref.payout_id for item in known}
        place = max((spoken.get(payout_id, 0) for payout_id in payouts), default=0)
        if place == len(waves):
            waves.append([])
        waves[place].append((row, known))
        spoken |= dict.fromkeys(payouts, place + 1)
    return waves


async def _apply_whole(core: Core, connection: Connection, known: Sequence[Seen]) -> Mapping[UUID, Verdict]:
    """Apply what one notice says, all of it or, when some of it does not fit, nothing."""
    verdicts: dict[UUID, Verdict] = {}
    try:
        async with connection.transaction():
            for item in known:
                verdicts |= await apply_within(core, connection, [item])
            if not _DOES_NOT_FIT.isdisjoint(verdicts.values()):
                raise _DoesNotFit
    except _DoesNotFit:
        log.debug("webhook_undone", observations=len(known))
    return verdicts


def _kept(core: Core, row: asyncpg.Record, known: Sequence[Seen], players: Mapping[UUID, asyncpg.Record]) -> _Kept:
    owners = {players[item.ref.payout_id]["player_id"] for item in known}
    salts = {players[item.ref.payout_id]["salt"] for item in known}
    if len(owners) != 1 or None in salts:
        return _Kept(body=b"", player_id=None)
    body = core.vault.open(row["body"], BODY, row["body_key_id"])
    return _Kept(body=core.vault.seal(body, BODY, *salts), player_id=next(iter(owners)))


async def _settle(core: Core, connection: Connection, settled: Sequence[_Settled]) -> None:
    await connection.execute(
        sql("settle_webhooks"),
        [item.id for item in settled],
        [item.state.value for item in settled],
        [item.code.value if item.code else None for item in settled],
        [LOOK_AGAIN_SECONDS if item.state is InboxState.WAITING else 0.0 for item in settled],
        [item.kept.body if item.kept else None for item in settled],
        [core.vault.key_id if item.kept else None for item in settled],
        [item.kept.player_id if item.kept else None for item in settled],
    )


def _judged(row: asyncpg.Record, verdicts: Collection[Verdict], kept: Callable[[], _Kept]) -> _Settled:
    """A notice may speak of several payouts: the worst that was found counts."""
    if Verdict.MISMATCH in verdicts:  # evidence: of several players it stays whole, of one it goes when the player goes
        mine = kept()
        return replace(
            _quarantined(row, ErrorCode.WEBHOOK_SUBJECT_MISMATCH), kept=mine if mine.player_id is not None else None
        )
    if Verdict.UNMATCHED in verdicts:
        return _later(row, ErrorCode.NOT_FOUND)
    return _Settled(id=row["id"], provider=row["provider"], state=InboxState.APPLIED, kept=kept())


def _later(row: asyncpg.Record, code: ErrorCode) -> _Settled:
    if row["overdue"]:
        return _quarantined(row, code)
    return _Settled(id=row["id"], provider=row["provider"], state=InboxState.WAITING, code=code)


def _quarantined(row: asyncpg.Record, code: ErrorCode) -> _Settled:
    return _Settled(id=row["id"], provider=row["provider"], state=InboxState.QUARANTINED, code=code)


def _read(core: Core, row: asyncpg.Record) -> list[Observation] | None:
    """What the notice says; None when this process has not the key it was sealed with, which must not hold up the rest."""
    try:
        return notice_codec.decode(
            core.vault.open(row["observations"], OBSERVATIONS, row["observations_key_id"]), row["event_key"]
        )
    except ConfigInvalid:
        return None


async def _resolve_references(
    connection: Connection, rows: Sequence[asyncpg.Record], read: Mapping[UUID, Sequence[Observation] | None]
) -> Mapping[tuple[str, str], AttemptRef]:
    """Attempts of notices that name only the provider's reference; none where two attempts bear it."""
    wanted: dict[str, set[str]] = {}
    for row in rows:
        for item in read[row["id"]] or ():
            if not item.rail_key and item.provider_reference:
                wanted.setdefault(row["provider"], set()).add(item.provider_reference)
    found: dict[tuple[str, str], AttemptRef] = {}
    several: set[tuple[str, str]] = set()
    for provider, references in wanted.items():
        for row in await connection.fetch(sql("attempts_by_provider_reference"), provider, sorted(references)):
            name = (provider, row["provider_reference"])
            if name in found:
                several.add(name)
            found[name] = AttemptRef(payout_id=row["payout_id"], attempt_no=row["attempt_no"])
    return {name: ref for name, ref in found.items() if name not in several}


def _subjects(
    provider: str, observations: Sequence[Observation], refs: Mapping[tuple[str, str], AttemptRef]
) -> Sequence[Seen] | None:
    """The observations with the attempts they speak of; None when one speaks of nothing we know."""
    seen = []
    for item in observations:
        ref = AttemptRef.parse(item.rail_key) if item.rail_key else refs.get((provider, item.provider_reference))
        if ref is None:
            return None
        seen.append(
            new_seen(
                ref=ref,
                provider=provider,
                source=ObservationSource.WEBHOOK,
                observation=item,
                actor=f"provider:{provider}",
            )
        )
    return seen


def _right_environment(core: Core, provider: str, item: Observation) -> bool:
    settings = core.config.providers.get(provider)
    if item.live is None or settings is None:
        return True
    return item.live == (settings.environment is ProviderEnvironment.LIVE)
