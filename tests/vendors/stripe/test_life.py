"""Payouts over Stripe through the whole engine: its journal says whether anybody was paid twice, or not at all."""

import pytest

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.ledger.invariants import verify as verify_books
from tests.support.season import CONFIG, opened_core, request, reward, states
from tests.vendors.stripe.double import Step, StripeDouble, Trouble
from tests.vendors.stripe.test_steps import provider_of
from tests.vendors.wise.stage import until, working

pytestmark = [pytest.mark.promise("G1", "G2", "G3")]
TROUBLES = [trouble for trouble in Trouble if trouble is not Trouble.NONE]
PAYOUTS = 12
SETTINGS = CONFIG.replace('parser = "email"', 'parser = "note"').replace(
    "[providers.two]", "[providers.one.fees]\nbasis_points = 500\n[providers.two]"
)


@pytest.mark.incident("I2", "I9")
@pytest.mark.parametrize("step", Step)
async def test_no_answer_lost_late_or_refused_at_a_step_pays_twice_or_loses_a_payout(database_dsn, trials, step):
    async with StripeDouble() as double:
        rail = provider_of(double, first_sync_after_seconds=0.2, lookup_lag_seconds=0.0)
        async with opened_core(database_dsn, [rail], config=SETTINGS) as core:
            double.troubles[step].extend(TROUBLES)
            await request(core, [reward(number, value=f"acct_player{number}") for number in range(PAYOUTS)])
            async with working(core):
                await until(core, {"pending", "failed"}, seconds=45)
                for made in double.intents:
                    if made.paid:
                        made.status = made.payment_status = "posted"
                await until(core, {"paid", "failed"}, seconds=30)

            paid = {
                payout: sum(
                    made.paid
                    for number in range(1, 30)
                    for made in double.made(AttemptRef(payout_id=payout, attempt_no=number).rail_key)
                )
                for payout in await states(core)
            }
            standing = await states(core)
            assert max(paid.values()) == 1
            assert {payout for payout, state in standing.items() if state == ObservedStatus.PAID} == {
                payout for payout, count in paid.items() if count
            }
            assert (await verify_books(core.database)).balances
            trials(PAYOUTS)
        await rail.close()
