"""May people pay this now? Asked whenever they look at their queue, or take it to a bank."""

from collections.abc import Sequence

import asyncpg
import structlog

from rewardrails.domain.destination import Destination
from rewardrails.domain.policy.verdict import Judgement
from rewardrails.engine.core import Core
from rewardrails.engine.gates.holds import first_stop
from rewardrails.engine.gates.judging import candidate_of, look
from rewardrails.engine.ready import is_as_asked
from rewardrails.errors import DataErased, ErrorCode
from rewardrails.store.database import Connection

log = structlog.get_logger(__name__)


async def where_to(core: Core, connection: Connection, rows: Sequence[asyncpg.Record]) -> list[Destination | ErrorCode]:
    """Of each queued payout its destination, or why nobody may pay it now: a gate, a pause, or what was altered or erased."""
    judged = await look(core, connection, [candidate_of(core, row) for row in rows])
    return [_where_to(core, row, item.judgement) for row, item in zip(rows, judged, strict=True)]


def _where_to(core: Core, row: asyncpg.Record, judgement: Judgement) -> Destination | ErrorCode:
    try:
        destination = core.open_destination(row["destination_ciphertext"], row["destination_key_id"], row["salt"])
    except DataErased as erased:
        return erased.code
    if not is_as_asked(core, row, destination):
        log.error("payout_altered", payout_ids=[str(row["id"])])
        return ErrorCode.CONTENT_ALTERED
    if (stop := first_stop(judgement)) is not None:
        return stop.code or ErrorCode.APPROVAL_REQUIRED
    return ErrorCode.PAYOUTS_PAUSED if row["paused"] else destination
