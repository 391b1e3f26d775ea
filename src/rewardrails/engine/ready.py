"""Opening what is about to be sent, before anything is stored of it."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import structlog

from rewardrails.domain.destination import Destination
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.reward import RewardRow
from rewardrails.engine.core import Core
from rewardrails.engine.gates import holds
from rewardrails.engine.steps import Step, write_steps
from rewardrails.errors import DataErased, ErrorCode
from rewardrails.store.database import Connection

_WHY: Mapping[ErrorCode, str] = {
    ErrorCode.DATA_ERASED: "its player's data are gone: give it a destination, or cancel it",
    ErrorCode.CONTENT_ALTERED: "it was altered in the database after it was asked for: cancel it, and verify the log",
}
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Where a payout goes, and its player's salt."""

    destination: Destination = field(repr=False)
    salt: bytes | None = field(repr=False)


async def open_ready(core: Core, connection: Connection, rows: Sequence[asyncpg.Record]) -> Mapping[UUID, Opened]:
    """Destinations of ready payouts, locked by this transaction; one whose data are gone or altered is held for people.

    Raises `KeyMissing` for a key this process was not given: a worker with an old configuration takes nothing at all.
    """
    opened: dict[UUID, Opened] = {}
    stopped: dict[ErrorCode, list[asyncpg.Record]] = {}
    for row in rows:
        try:
            destination = core.open_destination(row["destination_ciphertext"], row["destination_key_id"], row["salt"])
        except DataErased:
            stopped.setdefault(ErrorCode.DATA_ERASED, []).append(row)
            continue
        if is_as_asked(core, row, destination):
            opened[row["id"]] = Opened(destination=destination, salt=row["salt"])
        else:
            stopped.setdefault(ErrorCode.CONTENT_ALTERED, []).append(row)
    for code, rows_of_code in stopped.items():
        await _hold(core, connection, rows_of_code, code)
    return opened


def is_as_asked(core: Core, row: asyncpg.Record, destination: Destination) -> bool:
    """Whether a stored payout or staged row says what its keyed digests say that was asked for.

    Who can write to the database but has no key of ours can change neither amount nor destination unseen, nor have another
    address judged than the one that is paid.
    """
    said = RewardRow(
        campaign=row["campaign"],
        reward_id=row["reward_id"],
        player_id=row["player_id"],
        amount_minor=int(row["amount"]),
        asset=row["asset"],
        jurisdiction=row["jurisdiction"],
        destination=destination,
    )
    judged = (
        (row.get("address_digest"), core.digest_address(destination)),
        (row.get("recipient_digest"), core.digest_recipient(destination)),
    )
    return hmac.compare_digest(core.digest_content(said), row["content_digest"]) and all(
        stored is None or hmac.compare_digest(digest, stored) for stored, digest in judged
    )


async def _hold(core: Core, connection: Connection, stopped: Sequence[asyncpg.Record], code: ErrorCode) -> None:
    steps = [
        Step(
            payout_id=row["id"],
            version=row["version"],
            from_state=PayoutState.READY,
            to_state=PayoutState.HELD,
            code=code,
            hold_cause=code.value,
        )
        for row in stopped
    ]
    await write_steps(connection, steps, core.actor)
    stop = holds.by_people(holds.PEOPLE, _WHY[code])
    await holds.open_holds(core, connection, [(row["id"], stop) for row in stopped])
    if code is ErrorCode.CONTENT_ALTERED:
        log.error("payout_altered", payout_ids=[str(row["id"]) for row in stopped])
