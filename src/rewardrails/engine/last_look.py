"""The gates and the pauses once more between claim and first byte, where something took its time in between."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from rewardrails.engine.core import Core
from rewardrails.engine.gates import holds
from rewardrails.engine.gates.judging import candidate_of, look
from rewardrails.errors import ErrorCode
from rewardrails.store.sql import sql


async def stopped_since(
    core: Core, payout_ids: Sequence[UUID], *, leaving_within: timedelta
) -> Mapping[UUID, ErrorCode]:
    """Which of these claimed payouts must not be sent any more, and why; one round trip for all of them.

    One that is not on its way any more (another worker has it) is among them.
    """
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("claimed_to_judge"), payout_ids)
        judged = await look(core, connection, [candidate_of(core, row) for row in rows], leaving_within=leaving_within)
    stopped = dict.fromkeys(payout_ids, ErrorCode.PROVIDER_UNAVAILABLE)
    for row, item in zip(rows, judged, strict=True):
        stop = holds.first_stop(item.judgement)
        if stop is not None:
            stopped[row["id"]] = stop.code or ErrorCode.PROVIDER_UNAVAILABLE
        elif row["paused"]:
            stopped[row["id"]] = ErrorCode.PAYOUTS_PAUSED
        else:
            del stopped[row["id"]]
    return stopped
