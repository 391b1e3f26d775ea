"""Proofs that a destination is a player's: a challenge, answered once, in time, by whom and for what it was made."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from rewardrails import ids
from rewardrails.domain.destination import Destination, parse_destination
from rewardrails.engine.addresses import note_proof
from rewardrails.engine.core import Core
from rewardrails.errors import ErrorCode, FieldInvalid, RewardRailsError
from rewardrails.ownership.base import Bound, OwnershipProof, Refusal, refused
from rewardrails.store.database import Connection, assert_no_transaction, one
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql

NONCE_BYTES = 32
_ANEW = "ask for a new challenge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whose destination it is said to be; kind, destination and memo as a reward would name them."""

    player_id: str
    destination_kind: str
    destination: str = field(repr=False)
    memo: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What must be answered, by which proof, until when."""

    id: UUID
    proof: str
    message: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A destination that counts as the player's from now on; `how` says by what, without secrets."""

    challenge_id: UUID
    how: str


async def challenge(core: Core, claim: Claim, *, proof: str, actor: str) -> Challenge:
    """Make a challenge for one player and one destination. Raises `FieldInvalid`, `DestinationInvalid`, `OwnershipRefused`."""
    made = await core.database.run(lambda tx: challenge_within(core, tx, claim, proof=proof, actor=actor))
    return await read_challenge(core, claim, made)


async def challenge_within(core: Core, tx: Connection, claim: Claim, *, proof: str, actor: str) -> UUID:
    """The id of a new challenge, inside the caller's transaction; `read_challenge` says what must be answered."""
    destination = _destination(core, claim)
    method = _method(core, claim.destination_kind, proof)
    challenge_id = ids.new_id()
    row = await tx.fetchrow(
        sql("insert_challenge"),
        challenge_id,
        claim.player_id,
        destination.kind,
        core.digest_recipient(destination),
        proof,
        core.config.ownership.domain,
        ids.new_token(NONCE_BYTES),
        core.config.ownership.challenge_lasts.total_seconds(),
        actor,
    )
    method.challenge(_bound(one(row), destination))  # refuses what cannot be proved this way
    return challenge_id


async def read_challenge(core: Core, claim: Claim, challenge_id: UUID) -> Challenge:
    """A challenge as it must be answered; its text is made anew, for the destination in it is stored nowhere."""
    async with core.database.reading() as connection:
        row = await connection.fetchrow(sql("read_challenge"), challenge_id)
    if row is None:
        raise refused(Refusal.UNKNOWN_CHALLENGE, f"there is no such challenge: {_ANEW}", field="challenge_id")
    method = _method(core, claim.destination_kind, row["proof"])
    message = method.challenge(_bound(row, _destination(core, claim)))
    return Challenge(id=challenge_id, proof=row["proof"], message=message, expires_at=row["expires_at"])


async def prove(core: Core, claim: Claim, *, challenge_id: UUID, answer: str, actor: str) -> Proved:
    """Judge an answer; when it holds, payouts that waited for it are judged again. Raises `OwnershipRefused`.

    The first answer by the right player about the right destination uses the challenge up, whether it holds or not.
    """
    destination = _destination(core, claim)
    row = await core.database.run(lambda tx: _use(core, tx, claim, destination, challenge_id))
    method = _method(core, claim.destination_kind, row["proof"])
    assert_no_transaction()
    how = await method.verify(_bound(row, destination), answer)

    async def note(tx: Connection) -> None:
        await note_proof(core, tx, player_id=claim.player_id, destination=destination, proof=how)
        await record_facts(tx, [Fact(subject_id=challenge_id, version=1, type="ownership.proved")], actor=actor)

    await core.database.run(note)
    return Proved(challenge_id=challenge_id, how=how)


async def _use(
    core: Core, tx: Connection, claim: Claim, destination: Destination, challenge_id: UUID
) -> asyncpg.Record:
    row = await tx.fetchrow(sql("lock_challenge"), challenge_id)
    if row is None:
        raise refused(Refusal.UNKNOWN_CHALLENGE, f"there is no such challenge: {_ANEW}", field="challenge_id")
    if row["player_id"] != claim.player_id:
        raise refused(Refusal.OTHER_PLAYER, f"this challenge is another player's: {_ANEW}", field="challenge_id")
    if row["recipient_digest"] != core.digest_recipient(destination) or row["kind"] != destination.kind:
        raise refused(
            Refusal.OTHER_DESTINATION, f"this challenge is about another destination: {_ANEW}", field="destination"
        )
    if row["used_at"] is not None:
        raise refused(Refusal.USED, f"this challenge was answered before: {_ANEW}", field="challenge_id")
    if row["expired"]:
        raise refused(Refusal.EXPIRED, f"this challenge has expired: {_ANEW}", field="challenge_id")
    await tx.execute(sql("use_challenge"), challenge_id)
    return one(row)


def _bound(row: asyncpg.Record, destination: Destination) -> Bound:
    return Bound(
        domain=row["domain"],
        player_id=row["player_id"],
        destination=destination,
        nonce=row["nonce"],
        expires_at=row["expires_at"],
    )


def _destination(core: Core, claim: Claim) -> Destination:
    kind = core.config.destination_kinds.get(claim.destination_kind)
    if kind is None:
        raise RewardRailsError(
            "the destination kind is not configured",
            field="destination_kind",
            code=ErrorCode.DESTINATION_UNSUPPORTED,
        )
    return parse_destination(
        kind.parser, kind=claim.destination_kind, text=claim.destination, memo=claim.memo, network=core.config.network
    )


def _method(core: Core, destination_kind: str, proof: str) -> OwnershipProof:
    known = core.config.ownership.proofs.get(destination_kind, frozenset())
    if proof not in known or proof not in core.proofs:
        raise FieldInvalid(
            f"destinations of this kind are proved by: {', '.join(sorted(known)) or 'nothing; see proofs in its rules'}",
            field="proof",
        )
    return core.proofs[proof]
