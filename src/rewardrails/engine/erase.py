"""Erasing a player: the salt goes, and with it everything that was sealed for the player; the money's story stays."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rewardrails import ids
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid, NotFound, StateConflict
from rewardrails.security.vault import NEW_FORM
from rewardrails.store.database import Connection
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql

MAX_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRequest:
    """Who is to be erased and why; the reason is kept, so it names a request, never a person."""

    player_id: str
    reason: str


class Erased(StrEnum):
    """What became of one request."""

    ERASED = "erased"
    ALREADY_ERASED = "already_erased"
    UNDER_WAY = "under_way"
    UNKNOWN_PLAYER = "unknown_player"


async def erase_player(core: Core, request: ErasureRequest, *, actor: str) -> Erased:
    """Erase one player; a repeat finds them erased.

    Raises `StateConflict` while money may still go to the player, `NotFound` for a player nothing was ever sealed for.
    """
    return await core.database.run_once(lambda tx: erase_player_within(core, tx, request, actor=actor))


async def erase_player_within(core: Core, tx: Connection, request: ErasureRequest, *, actor: str) -> Erased:
    """`erase_player` inside the caller's transaction."""
    outcome = (await erase_within(core, tx, [request], actor=actor))[request.player_id]
    if outcome is Erased.UNDER_WAY:
        raise StateConflict(
            f"player {request.player_id!r} still has payouts under way or unknown: wait for them, cancel or resolve them, "
            "then erase"
        )
    if outcome is Erased.UNKNOWN_PLAYER:
        raise NotFound(f"nothing is known of a player {request.player_id!r}")
    return outcome


async def erase_players(core: Core, requests: Sequence[ErasureRequest], *, actor: str) -> dict[str, Erased]:
    """Erase many players in one transaction; answers what became of each, and raises for none of them."""
    return await core.database.run_once(lambda tx: erase_within(core, tx, requests, actor=actor))


async def erase_within(
    core: Core, tx: Connection, requests: Sequence[ErasureRequest], *, actor: str
) -> dict[str, Erased]:
    """`erase_players` inside the caller's transaction."""
    reasons = {request.player_id: _reason(request) for request in requests}
    await _refuse_older_seals(tx)
    await tx.execute(sql("erasing_players"))
    asked = sorted(reasons)
    busy = {row["player_id"] for row in await tx.fetch(sql("players_under_way"), asked)}
    known = {row["player_id"] for row in await tx.fetch(sql("known_players"), asked)}
    free = [player_id for player_id in asked if player_id in known - busy]
    why = [reasons[player_id] for player_id in free]
    gone = {row["player_id"] for row in await tx.fetch(sql("erase_players"), free, why)}
    for statement in (
        "erase_player_checks",
        "erase_player_risks",
        "erase_player_proofs",
        "erase_values",
        "erase_answers",
    ):
        await tx.execute(sql(statement), free)
    await _tell(tx, sorted(gone), actor)
    core.vault.forget_players()
    return {player_id: _outcome(player_id, busy, known, gone) for player_id in asked}


def _reason(request: ErasureRequest) -> str:
    reason = request.reason.strip()
    if not request.player_id:
        raise FieldInvalid("an erasure names its player", field="player_id")
    if not 0 < len(reason) <= MAX_REASON or not reason.isprintable():
        raise FieldInvalid(
            f"give a reason of 1 to {MAX_REASON} printable characters, such as a case number", field="reason"
        )
    return reason


async def _refuse_older_seals(tx: Connection) -> None:
    """What an older version sealed has no player's key: its loss would erase nothing."""
    rows = await tx.fetch(sql("data_keys"))
    if any(row["purpose"] == "seal" and not row["id"].startswith(NEW_FORM) and not row["retired_at"] for row in rows):
        raise StateConflict(
            "some data are still sealed as an older version sealed them: run 'rewardrails vault reseal' once, then erase"
        )


async def _tell(tx: Connection, gone: Sequence[str], actor: str) -> None:
    facts = [
        Fact(subject_id=ids.new_id(), version=1, type="player.erased", data=json.dumps({"player_id": player_id}))
        for player_id in gone
    ]
    await record_facts(tx, facts, actor=actor)


def _outcome(player_id: str, busy: set[str], known: set[str], gone: set[str]) -> Erased:
    if player_id in gone:
        return Erased.ERASED
    if player_id in busy:
        return Erased.UNDER_WAY
    return Erased.ALREADY_ERASED if player_id in known else Erased.UNKNOWN_PLAYER
