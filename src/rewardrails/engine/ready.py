"""Opening what is about to be sent, before anything is stored of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from rewardrails.domain.destination import Destination
from rewardrails.domain.payout import PayoutState
from rewardrails.engine.core import Core
from rewardrails.engine.gates import holds
from rewardrails.engine.steps import Step, write_steps
from rewardrails.errors import DataErased, ErrorCode
from rewardrails.store.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Where a payout goes, and its player's salt."""

    destination: Destination = field(repr=False)
    salt: bytes | None = field(repr=False)


async def open_ready(core: Core, connection: Connection, rows: Sequence[asyncpg.Record]) -> Mapping[UUID, Opened]:
    """Destinations of ready payouts, locked by this transaction; one whose data are gone is held for people.

    Raises `KeyMissing` for a key this process was not given: a worker with an old configuration takes nothing at all.
    """
    opened: dict[UUID, Opened] = {}
    gone: list[asyncpg.Record] = []
    for row in rows:
        try:
            destination = core.open_destination(row["destination_ciphertext"], row["destination_key_id"], row["salt"])
        except DataErased:
            gone.append(row)
        else:
            opened[row["id"]] = Opened(destination=destination, salt=row["salt"])
    if gone:
        await _hold(core, connection, gone)
    return opened


async def _hold(core: Core, connection: Connection, gone: Sequence[asyncpg.Record]) -> None:
    code = ErrorCode.DATA_ERASED
    steps = [
        Step(
            payout_id=row["id"],
            version=row["version"],
            from_state=PayoutState.READY,
            to_state=PayoutState.HELD,
            code=code,
            hold_cause=code.value,
        )
        for row in gone
    ]
    await write_steps(connection, steps, core.actor)
    stop = holds.by_people("operator", "its player's data are gone: give it a destination, or cancel it")
    await holds.open_holds(core, connection, [(row["id"], stop) for row in gone])
