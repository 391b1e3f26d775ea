"""A thousand payouts, each signed, redirected and sent by everybody at once: nothing leaves that two others did not sign."""

import asyncio
from contextlib import suppress
from uuid import UUID

import pytest

from rewardrails.engine.core import Core
from rewardrails.engine.operate import correct_destination
from rewardrails.errors import Forbidden, StateConflict
from rewardrails.ledger.invariants import verify
from tests.support.gates import say_yes
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import CONFIG, opened_core, request, reward, send_all

TWO_PEOPLE = CONFIG + '[[approvals]]\nname = "by-two"\nasset = "EUR"\nneeds = 2\n'
PAYOUTS = 1000
AT_ONCE = 50

# Attempts of contents that fewer than two people other than the author had signed.
SENT_UNSIGNED = """
    SELECT count(*) FROM attempt
    JOIN submission ON submission.provider = attempt.provider AND submission.rail_key = attempt.submission_key
    JOIN payout ON payout.id = attempt.payout_id
    WHERE 2 > (SELECT count(DISTINCT approver) FROM sign_off
               WHERE sign_off.payout_id = payout.id AND sign_off.content_digest = submission.content_digest
                 AND approver <> payout.created_by)"""
# Payouts that wait although two have signed what they are now, or that may go although two have not.
WRONGLY_PLACED = """
    SELECT count(*) FROM payout
    WHERE (state = 'awaiting_approval') = (2 <= (
        SELECT count(DISTINCT approver) FROM sign_off
        WHERE sign_off.payout_id = payout.id AND sign_off.content_digest = payout.content_digest
          AND approver <> payout.created_by))"""


@pytest.mark.promise("G1", "G7")
@pytest.mark.parametrize("redirects", [False, True])
async def test_of_a_thousand_races_none_sends_what_two_others_did_not_sign(database_dsn, trials, redirects):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=TWO_PEOPLE, funded=10**9, connections=20) as core:
        results = await request(core, [reward(number) for number in range(PAYOUTS // 2)])
        ids = [result.payout_id for result in results]

        for start in range(0, len(ids), AT_ONCE):
            await asyncio.gather(*(race(core, payout_id, redirects) for payout_id in ids[start : start + AT_ONCE]))

        async with core.database.reading() as connection:
            assert await connection.fetchval(SENT_UNSIGNED) == 0
            assert await connection.fetchval(WRONGLY_PLACED) == 0
        assert redirects or len(rail.calls) == len(ids)
        assert (await verify(core.database)).balances
        trials(len(ids))


async def race(core: Core, payout_id: UUID, redirects: bool) -> None:
    """Two approvers, one of them twice, the author, whoever redirects it, and a sender, all about one payout at once."""
    signing = [sign(core, payout_id, who) for who in ("ann", "ben", "ann", "test")]
    redirecting = [redirect(core, payout_id)] if redirects else []
    await asyncio.gather(*signing, *redirecting, send_all(core, wanted=5))
    await send_all(core)


async def sign(core: Core, payout_id: UUID, who: str) -> None:
    with suppress(Forbidden, StateConflict):  # the author; or two others were faster
        await say_yes(core, [payout_id], actor=who)


async def redirect(core: Core, payout_id: UUID) -> None:
    with suppress(StateConflict):  # it has been sent
        await correct_destination(core, payout_id, reward(PAYOUTS).destination, actor="sue")
