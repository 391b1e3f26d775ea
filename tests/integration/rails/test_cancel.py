"""Canceling while others send: whoever wins, the provider's journal and our answer agree."""

import asyncio
from uuid import UUID

import pytest

from rewardrails.engine.operate import cancel, retry
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.errors import NotCancelableError, RewardRailsError
from tests.support.stage import Rail, Stage, on_stage


async def try_to_cancel(stage: Stage, payout_id: UUID) -> bool:
    try:
        return await cancel(stage.core, payout_id, actor="player") == "canceled"
    except NotCancelableError:
        return False


@pytest.mark.promise("G1", "G2")
@pytest.mark.incident("I10")
async def test_a_cancel_that_races_the_send_has_one_winner(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage:
        payouts = await stage.pay(*range(80))
        async with stage.working():
            tries = [try_to_cancel(stage, payout_id) for payout_id in payouts for _ in range(2)]
            said = await asyncio.gather(*tries)
            await stage.until_all("paid", "canceled", hurry=True)
        await stage.assert_true_to_the_journals()
        states = await stage.states()
        for payout_id, (first, second) in zip(payouts, zip(said[::2], said[1::2], strict=True), strict=True):
            if first or second:
                assert states[payout_id] == "canceled"


@pytest.mark.promise("G1")
async def test_a_pending_payout_is_canceled_at_the_provider(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, funded=1000) as stage, stage.working():
        await stage.one.control.behave("stuck")
        (payout_id,) = await stage.pay(1)
        await stage.until_all("pending")

        said = await asyncio.gather(*(try_to_cancel(stage, payout_id) for _ in range(10)))

        assert True in said
        assert await stage.counts() == {"canceled": 1}
        assert (await stage.one.control.totals()).by_status == {"canceled": 1}
        await stage.assert_true_to_the_journals()
        assert await stage.rows("SELECT balance::bigint AS left FROM account WHERE name = 'available'") == [(1000,)]


@pytest.mark.promise("G1")
async def test_a_payout_of_unknown_outcome_is_not_canceled_by_guessing(tmp_path, database_dsn):
    """The provider has it, lost its answer and is gone: nobody may say that it will not be paid."""
    async with on_stage(tmp_path, database_dsn, Rail(call_timeout=1.0)) as stage, stage.working():
        await stage.one.control.hold_webhooks()
        await stage.one.control.behave("lose_reply")
        (payout_id,) = await stage.pay(1)
        await stage.until_all("outcome_unknown")
        await stage.one.kill()

        assert not await try_to_cancel(stage, payout_id)

        assert await stage.counts() == {"outcome_unknown": 1}
        await stage.one.start()
        await stage.until_all("paid", hurry=True)
        await stage.assert_true_to_the_journals()


@pytest.mark.promise("G1")
@pytest.mark.incident("I3")
async def test_fifty_hands_on_one_failed_payout_send_it_once(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage, stage.working(), stage.working():
        await stage.one.control.behave("refuse", code="destination_closed", times=1)
        (payout_id,) = await stage.pay(1)
        await stage.until_all("failed")

        async def one_hand(number: int) -> bool:
            try:
                match number % 3:
                    case 0:
                        await retry(stage.core, payout_id, actor=f"operator-{number}")
                    case 1:
                        await cancel(stage.core, payout_id, actor=f"operator-{number}")
                    case _:
                        await resolve(
                            stage.core,
                            payout_id,
                            outcome=Resolved.NOT_PAID,
                            evidence="seen nowhere",
                            actor=f"operator-{number}",
                        )
            except RewardRailsError:
                return False
            return True

        done = await asyncio.gather(*(one_hand(number) for number in range(50)))

        assert any(done)
        await stage.until_all("paid", "canceled", "failed", hurry=True)
        await stage.assert_true_to_the_journals()
