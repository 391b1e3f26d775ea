"""Rails that say "failed" of what they had paid: the money is back, and nothing they said earlier brings it to life again."""

import pytest

from rewardrails.domain.observation import Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.engine.observe import Verdict, apply_observations, new_seen
from rewardrails.engine.operate import retry
from rewardrails.ledger.invariants import verify
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import opened_core, pool, request, reward, send_all, states

pytestmark = [pytest.mark.promise("G2", "G4"), pytest.mark.incident("I6", "I28")]


@pytest.mark.parametrize("word", [ObservedStatus.FAILED, ObservedStatus.RETURNED])
async def test_an_old_notice_of_money_that_came_back_does_not_settle_the_retry(database_dsn, word):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], funded=5000) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)

        async def tell(status: ObservedStatus) -> Verdict:
            seen = new_seen(
                ref=AttemptRef(payout_id=result.payout_id, attempt_no=1),
                provider="one",
                source=ObservationSource.WEBHOOK,
                observation=Observation(status=status),
                actor="provider:one",
            )
            return (await apply_observations(core, [seen]))[0]

        assert await tell(word) is Verdict.APPLIED
        await retry(core, result.payout_id, actor="ops")

        assert await tell(ObservedStatus.PAID) is Verdict.NO_CHANGE

        assert list((await states(core)).values()) == ["ready"]
        assert await pool(core) == {"available": 4000, "reserved": 1000, "sponsor": -5000}
        assert (await verify(core.database)).broken == ()
