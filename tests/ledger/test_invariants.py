"""The books' own check finds every lie that a broken engine could still write into the database."""

import pytest

from rewardrails.ledger.invariants import verify
from tests.support.scripted_rail import ScriptedRail, accept
from tests.support.season import opened_core, request, reward, send_all

pytestmark = [pytest.mark.promise("G3")]

_TRANSFER = (
    "INSERT INTO transfer (id, pool_id, kind, debit, credit, amount, payout_id, payout_version, actor)"
    " SELECT gen_random_uuid(), pool_id, {0}, 1, id, 99, 'x' FROM payout"
)
LIES = {
    "paid without a posting": "UPDATE payout SET state = 'paid', reserved = 0",
    "failed without a release": "UPDATE payout SET state = 'failed', reserved = 0",
    "settled and still pending": _TRANSFER.format("'settle', 'reserved', 'paid'"),
    "released and still pending": _TRANSFER.format("'release', 'reserved', 'available'"),
    "reserved twice": _TRANSFER.format("'reserve', 'available', 'reserved'"),
    "paid out of suspense": _TRANSFER.format("'late_settle', 'suspense', 'paid'"),
    "another amount": "UPDATE payout SET amount = amount + 1, reserved = reserved + 1",
    "a version without its event": "UPDATE payout SET version = version + 1",
    "an event without its version": "INSERT INTO event (subject_id, version, type, data, actor)"
    " SELECT id, version + 1, 'payout.paid', '{}', 'x' FROM payout",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_a_lie_in_the_database_is_found(database_dsn, lie):
    async with opened_core(database_dsn, [ScriptedRail("one", accept)]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        assert (await verify(core.database)).balances

        async with core.database.transaction() as tx:
            await tx.execute(lie)

        assert not (await verify(core.database)).balances
