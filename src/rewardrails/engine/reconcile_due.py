"""Reconciling by the clock: each provider as often as configured, and what somebody has asked a worker for."""

import structlog

from rewardrails.engine.core import Core
from rewardrails.engine.reconcile import ask_for, gather_and_compare
from rewardrails.errors import ErrorCode, RewardRailsError, StateConflict
from rewardrails.providers.base import SupportsStatement
from rewardrails.store.database import Connection
from rewardrails.store.facts import tell
from rewardrails.store.sql import sql

DEAD_SECONDS = 900.0
"""A run that has told nothing for so long is nobody's any more; longer than any one page takes."""
AFTER_FAILURE_SECONDS = 900.0
log = structlog.get_logger(__name__)


async def reconcile_due(core: Core) -> int:
    """Begin what is due and do one of the runs that wait; answers how many were done.

    What keeps a run from its end is told in the run, and does not come out.
    """
    await _bury_the_dead(core)
    await _ask_for_what_is_due(core)
    listing = _listing(core)
    row = await core.database.run(lambda tx: tx.fetchrow(sql("take_waiting_reconciliation"), list(listing)))
    if row is None:
        return 0
    try:
        await gather_and_compare(core, listing[row["provider"]], row)
    except RewardRailsError:
        return 1  # the run says why
    return 1


def _listing(core: Core) -> dict[str, SupportsStatement]:
    return {name: rail for name, rail in core.providers.items() if isinstance(rail, SupportsStatement)}


async def _ask_for_what_is_due(core: Core) -> None:
    scheduled = {
        name: settings.reconcile.every.total_seconds()
        for name in _listing(core)
        if (settings := core.config.providers[name]).reconcile.every is not None
    }
    if not scheduled:
        return
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("last_reconciliations"), sorted(scheduled))
    for row in rows:
        every = scheduled[row["provider"]]
        pause = min(every, AFTER_FAILURE_SECONDS) if row["failed"] else every
        if row["seconds"] is not None and row["seconds"] < pause:
            continue
        try:
            await ask_for(core, row["provider"], actor=core.actor)
        except StateConflict:
            continue  # another worker was first, or one is under way


async def _bury_the_dead(core: Core) -> None:
    async def work(tx: Connection) -> None:
        for row in await tx.fetch(sql("dead_reconciliations"), DEAD_SECONDS, ErrorCode.STATE_CONFLICT.value):
            log.warning("reconciliation_given_up", run=str(row["id"]))
            await tell(tx, row["id"], "reconciliation.failed", core.actor, code=ErrorCode.STATE_CONFLICT.value)

    await core.database.run(work)
