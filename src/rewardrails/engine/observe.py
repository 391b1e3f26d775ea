"""Applying what was observed: calls, webhooks, polls and people all come through here, in batches."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from uuid import UUID

import asyncpg

from rewardrails import ids
from rewardrails.domain.assets import MAX_MINOR
from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.payout import AttemptState, Effect, Move, PayoutState, Standing, decide
from rewardrails.domain.reward import RewardRow
from rewardrails.engine import values
from rewardrails.engine.backoff import seconds_until_retry
from rewardrails.engine.core import Core
from rewardrails.engine.steps import Step, write_steps
from rewardrails.errors import ErrorCode
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql

# What a refusal from this source does not undo: that our call was refused says nothing once the provider has told more of
# the attempt, and a person's refusal brings no money back that was paid.
_OUTWEIGHS = {
    ObservationSource.CALL: frozenset({AttemptState.ACCEPTED, AttemptState.UNKNOWN, AttemptState.SETTLED}),
    ObservationSource.OPERATOR: frozenset({AttemptState.SETTLED}),
}
UNKNOWN_SYNC_SECONDS = 5.0
AFTER_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One observation of one attempt. `fence` is given by whoever holds a lease; `id` makes a repeat harmless; `by_two` is
    what two people say.
    """

    id: UUID
    ref: AttemptRef
    provider: str
    source: ObservationSource
    observation: Observation
    actor: str
    fence: int | None = None
    by_two: bool = False


class Verdict(StrEnum):
    """What became of an observation: `Effect`, or it speaks of nothing we know, or of something else than we sent."""

    APPLIED = "applied"
    NO_CHANGE = "no_change"
    FENCED = "fenced"
    CONTRADICTION = "contradiction"
    UNMATCHED = "unmatched"
    MISMATCH = "mismatch"


async def apply_observations(core: Core, seen: Sequence[Seen]) -> list[Verdict]:
    """Apply observations, one transaction a round; answers a verdict each, in order.

    Two about one payout are applied one after the other. A repeat of the same observation (same id) changes nothing.
    """
    verdicts: dict[UUID, Verdict] = {}
    waiting = list(seen)
    while waiting:
        taken: dict[UUID, Seen] = {}
        later = []
        for item in waiting:
            if item.ref.payout_id in taken:
                later.append(item)
            else:
                taken[item.ref.payout_id] = item
        batch = list(taken.values())
        verdicts |= await core.database.run(partial(_apply, core, batch=batch))
        waiting = later
    return [verdicts[item.id] for item in seen]


async def apply_within(core: Core, connection: Connection, batch: Sequence[Seen]) -> dict[UUID, Verdict]:
    """The same inside the caller's transaction, for observations of distinct payouts."""
    return await _apply(core, connection, batch)


async def _apply(core: Core, connection: Connection, batch: Sequence[Seen]) -> dict[UUID, Verdict]:
    batch = [values.as_believed(core, item) for item in batch]
    payout_ids = [item.ref.payout_id for item in batch]
    payouts = {row["id"]: row for row in await connection.fetch(sql("lock_payouts"), payout_ids)}
    attempt_rows = await connection.fetch(sql("read_attempts"), payout_ids, [item.ref.attempt_no for item in batch])
    attempts = {row["payout_id"]: row for row in attempt_rows}
    verdicts: dict[UUID, Verdict] = {}
    moves: list[tuple[Seen, Move]] = []
    believed: list[Seen] = []
    for item in batch:
        payout, attempt = payouts.get(item.ref.payout_id), attempts.get(item.ref.payout_id)
        if payout is None or attempt is None:
            verdicts[item.id] = Verdict.UNMATCHED
            continue
        trusted = _believe(core, item, payout, attempt)
        if trusted is None:
            verdicts[item.id] = Verdict.MISMATCH
            continue
        move = _decide(core, item, trusted, payout, attempt)
        verdicts[item.id] = Verdict(move.effect.value)
        moves.append((item, move))
        believed.append(replace(item, observation=trusted))
    salts = {payout_id: row["salt"] for payout_id, row in payouts.items()}
    await _write(core, connection, moves, salts)
    await values.keep(core, connection, believed, salts)
    return verdicts


def _believe(core: Core, item: Seen, payout: asyncpg.Record, attempt: asyncpg.Record) -> Observation | None:
    """The observation if its subject is what we sent; a webhook that is not gives None, our own call becomes unknown."""
    seen = item.observation
    same = (
        attempt["provider"] == item.provider
        and (
            seen.amount is None or (seen.amount.amount_minor, seen.amount.asset) == (payout["amount"], payout["asset"])
        )
        and seen.rail_key in ("", item.ref.rail_key)
        and (seen.fee is None or _can_be_charged(seen.fee, payout["asset"]))
        and (seen.destination is None or _was_sent_to(core, seen.destination, payout, attempt))
        and _same_reference(seen.provider_reference, attempt["provider_reference"])
    )
    if same:
        return seen
    if item.source is ObservationSource.WEBHOOK or attempt["provider"] != item.provider:
        return None
    return Observation(
        status=ObservedStatus.UNKNOWN,
        rail_key=seen.rail_key,
        code=ErrorCode.WEBHOOK_SUBJECT_MISMATCH,
        evidence=seen.evidence,
    )


def _can_be_charged(fee: Money, asset: str) -> bool:
    return fee.asset == asset and 0 <= fee.amount_minor <= MAX_MINOR


def _was_sent_to(core: Core, destination: Destination, payout: asyncpg.Record, attempt: asyncpg.Record) -> bool:
    """Whether this very attempt went there; the payout itself may have been given another destination since."""
    sent = RewardRow(
        campaign=payout["campaign"],
        reward_id=payout["reward_id"],
        player_id=payout["player_id"],
        amount_minor=payout["amount"],
        asset=payout["asset"],
        jurisdiction=payout["jurisdiction"],
        destination=destination,
    )
    return bool(core.digest_content(sent) == attempt["sent_digest"])


def _same_reference(theirs: str, known: str | None) -> bool:
    return not theirs or not known or theirs == known


def _decide(core: Core, item: Seen, seen: Observation, payout: asyncpg.Record, attempt: asyncpg.Record) -> Move:
    standing = Standing(
        payout_id=item.ref.payout_id,
        state=PayoutState(payout["state"]),
        version=payout["version"],
        amount_minor=payout["amount"],
        reserved_minor=payout["reserved"],
        fee_ceiling_minor=payout["fee_ceiling"],
        tries=payout["tries"],
        attempt_no=item.ref.attempt_no,
        attempt_state=AttemptState(attempt["state"]),
        attempt_is_last=payout["last_attempt_no"] == item.ref.attempt_no,
        fence=attempt["fence"],
    )
    if item.fence is not None and item.fence != attempt["fence"]:
        return Move(
            standing=standing, to_state=None, attempt_to=standing.attempt_state, effect=Effect.FENCED, code=seen.code
        )
    if seen.status is ObservedStatus.FAILED and standing.attempt_state in _OUTWEIGHS.get(item.source, ()):
        return Move(
            standing=standing,
            to_state=None,
            attempt_to=standing.attempt_state,
            effect=Effect.CONTRADICTION,
            code=seen.code,
        )
    one_alone = item.source is ObservationSource.OPERATOR and not item.by_two
    if one_alone and standing.state is PayoutState.OUTCOME_UNKNOWN:
        return Move(
            standing=standing,
            to_state=None,
            attempt_to=standing.attempt_state,
            effect=Effect.CONTRADICTION,
            code=seen.code,
        )
    if _is_hint(item):
        return Move(
            standing=standing, to_state=None, attempt_to=standing.attempt_state, effect=Effect.NO_CHANGE, code=seen.code
        )
    return decide(standing, seen, core.retry)


def _is_hint(item: Seen) -> bool:
    """A notice whose status says nothing, or nothing that can be mapped: no more than a reason to ask the rail."""
    return item.source is ObservationSource.WEBHOOK and item.observation.status is ObservedStatus.UNKNOWN


async def _write(
    core: Core, connection: Connection, moves: Sequence[tuple[Seen, Move]], salts: Mapping[UUID, bytes | None]
) -> None:
    by_actor: dict[str, list[tuple[Seen, Move]]] = {}
    for item, move in moves:
        by_actor.setdefault(item.actor, []).append((item, move))
    for actor, group in by_actor.items():
        steps = [Step.of_move(move, _due_in(item, move)) for item, move in group if move.to_state is not None]
        await write_steps(connection, steps, actor)
        await _write_attempts(core, connection, group)
        evidence = [_sealed(core, item.observation.evidence, salts[item.ref.payout_id]) for item, _ in group]
        await _write_observations(core, connection, group, evidence, actor)
    if hints := [item.ref for item, _ in moves if _is_hint(item)]:
        await connection.execute(sql("ask_soon"), [ref.payout_id for ref in hints], [ref.attempt_no for ref in hints])


def _due_in(item: Seen, move: Move) -> float:
    if move.to_state is not PayoutState.READY:
        return 0.0
    if move.code is ErrorCode.PAYOUTS_PAUSED:
        return AFTER_PAUSE_SECONDS
    return seconds_until_retry(move.standing.tries, item.observation.retry_after_seconds)


async def _write_attempts(core: Core, connection: Connection, group: Sequence[tuple[Seen, Move]]) -> None:
    touched = [(item, move) for item, move in group if move.effect is Effect.APPLIED]
    if not touched:
        return
    await connection.execute(
        sql("write_attempts"),
        [item.ref.payout_id for item, _ in touched],
        [item.ref.attempt_no for item, _ in touched],
        [move.attempt_to.value for _, move in touched],
        [move.code.value if move.code else None for _, move in touched],
        [item.observation.provider_reference for item, _ in touched],
        [_sync_in(core, item.provider, move.attempt_to) for item, move in touched],
    )


def _sync_in(core: Core, provider: str, state: AttemptState) -> float | None:
    """Seconds until the rail is asked: soon while we do not know, later while it works, rarely while money may come back."""
    known = core.providers.get(provider)
    if state is AttemptState.UNKNOWN:
        return UNKNOWN_SYNC_SECONDS
    if known is None:
        return None
    if state is AttemptState.ACCEPTED:
        return known.capabilities.first_sync_after.total_seconds()
    if state is AttemptState.SETTLED and known.capabilities.reversal_horizon:
        return known.capabilities.reversal_horizon.total_seconds() / 8
    return None


async def _write_observations(
    core: Core,
    connection: Connection,
    group: Sequence[tuple[Seen, Move]],
    evidence: Sequence[bytes | None],
    actor: str,
) -> None:
    await connection.execute(
        sql("insert_observations"),
        [item.id for item, _ in group],
        [item.ref.payout_id for item, _ in group],
        [item.ref.attempt_no for item, _ in group],
        [item.provider for item, _ in group],
        [item.source.value for item, _ in group],
        [item.observation.status.value for item, _ in group],
        [move.effect.value for _, move in group],
        [item.observation.code.value if item.observation.code else None for item, _ in group],
        [item.observation.evidence.provider_code or None for item, _ in group],
        [item.observation.provider_reference or None for item, _ in group],
        evidence,
        core.vault.key_id,
        actor,
    )


def _sealed(core: Core, evidence: Evidence, salt: bytes | None) -> bytes | None:
    """Evidence for the payout's player; what comes after the player was erased is not kept."""
    if salt is None or not (evidence.body or evidence.message or evidence.trace_id or evidence.provider_status):
        return None
    return core.seal_evidence(evidence_text(evidence), salt)


def evidence_text(evidence: Evidence) -> bytes:
    """Evidence as it is kept, whatever it is made of: a header's bytes that are no text are lone surrogates in ours."""
    words = {
        "status": evidence.provider_status,
        "message": evidence.message,
        "trace_id": evidence.trace_id,
        "http_status": evidence.http_status,
        "body": evidence.body.decode(errors="backslashreplace"),
    }
    return json.dumps(words, ensure_ascii=False).encode(errors="backslashreplace")


def evidence_message(kept: bytes) -> str:
    """The words in evidence that `evidence_text` made."""
    return str(json.loads(kept)["message"])


def new_seen(
    *,
    ref: AttemptRef,
    provider: str,
    source: ObservationSource,
    observation: Observation,
    actor: str,
    fence: int | None = None,
    by_two: bool = False,
) -> Seen:
    """A `Seen` with a fresh id."""
    return Seen(
        id=ids.new_id(),
        ref=ref,
        provider=provider,
        source=source,
        observation=observation,
        actor=actor,
        fence=fence,
        by_two=by_two,
    )
