"""Reconciling by the clock: each provider as often as configured, and what somebody has asked a worker for."""

from rewardrails.engine.core import Core
from rewardrails.engine.reconcile import ask_for, bury_the_dead, gather_and_compare
from rewardrails.errors import RewardRailsError, StateConflict
from rewardrails.providers.base import SupportsStatement
from rewardrails.store.sql import sql

AFTER_FAILURE_SECONDS = 900.0


async def reconcile_due(core: Core) -> int:
    """Begin what is due and do one of the runs that wait; answers how many were done.

    What keeps a run from its end is told in the run, and does not come out.
    """
    await core.database.run(lambda tx: bury_the_dead(tx, core.actor))
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
