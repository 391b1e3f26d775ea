"""Payouts over Wise through the whole engine: its journal says whether anybody was paid twice, or not at all."""

import asyncio
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from rewardrails.domain.observation import ObservedStatus
from rewardrails.engine.core import Core
from rewardrails.engine.send import claim, send
from rewardrails.engine.webhooks import apply_notices
from rewardrails.errors import ErrorCode
from rewardrails.ledger.invariants import verify as verify_books
from tests.support.season import BUDGET, request, send_all, states
from tests.vendors.wise.double import Step, Trouble, WiseDouble
from tests.vendors.wise.stage import notice, opened, paid_for, rewards, tell, transfers_of, until, working

pytestmark = [pytest.mark.promise("G1", "G2", "G3")]
TROUBLES = [trouble for trouble in Trouble if trouble is not Trouble.NONE]
PAYOUTS = 12


async def settle(core: Core, double: WiseDouble) -> None:
    """Let Wise pay out whatever it was paid for, and the engine hear of it."""
    for made in double.transfers:
        if made.status == "processing":
            made.status = "outgoing_payment_sent"
    await until(core, {"paid", "failed"})


async def row_of(core: Core) -> tuple[str, str, int]:
    async with core.database.reading() as connection:
        row = await connection.fetchrow("SELECT state, code, tries FROM payout")
    return tuple(row)


async def test_a_thin_notice_is_enough_to_see_a_payment_at_once(database_dsn):
    async with opened(database_dsn, first_sync_after_seconds=3600.0) as (core, double):
        await request(core, rewards(1))
        async with working(core):
            await until(core, {"pending"})
            double.transfers[0].status = "outgoing_payment_sent"
            await tell(core, notice(double.transfers[0], "one"))
            await until(core, {"paid"})

        assert double.asked == dict.fromkeys(Step, 1)
        assert double.recipient(1)["accountHolderName"] == "Player Number0"
        assert double.recipient(1)["details"] == {"email": "player0@example.org"}
        assert (await verify_books(core.database)).balances


@pytest.mark.incident("I2", "I9")
@pytest.mark.parametrize("step", Step)
async def test_no_answer_lost_late_or_refused_at_a_step_pays_twice_or_loses_a_payout(database_dsn, trials, step):
    async with opened(database_dsn, first_sync_after_seconds=0.2) as (core, double):
        double.troubles[step].extend(TROUBLES)
        await request(core, rewards(PAYOUTS))
        async with working(core):
            await until(core, {"pending", "failed"}, seconds=90)
            await settle(core, double)

        standing = await states(core)
        paid = paid_for(double, standing)
        assert {payout for payout, state in standing.items() if state == "paid"} == {
            payout for payout, count in paid.items() if count
        }
        assert max(paid.values()) == 1
        refused_for_good = step in (Step.QUOTE, Step.RECIPIENT)
        assert Counter(standing.values())["failed"] == (1 if refused_for_good else 0)
        assert not double.troubles[step]
        assert (await verify_books(core.database)).balances
        trials(PAYOUTS)


@pytest.mark.incident("I9")
@pytest.mark.parametrize("step", Step)
async def test_after_a_crash_a_payout_goes_on_at_its_step(database_dsn, step):
    async with opened(database_dsn, call_timeout_seconds=20.0, first_sync_after_seconds=0.2) as (core, double):
        double.troubles[step].append(Trouble.LATE)
        ((result),) = await request(core, rewards(1))
        await crash_in(core, double)
        async with working(core):
            await until(core, {"pending"})
            await settle(core, double)

        assert [made.paid_for for made in transfers_of(double, result.payout_id)] == [1]
        places = list(Step)
        again = 0 if step is Step.PAYMENT else 1
        for other in Step:
            assert double.asked[other] == (1 + again if other is step else 1), places
        assert (await verify_books(core.database)).balances


async def crash_in(core: Core, double: WiseDouble) -> None:
    """A worker dies while Wise has done its step and not yet answered; its lease is over."""
    provider = core.providers["one"]
    (claimed,) = await claim(core, provider, BUDGET, 1)
    sending = asyncio.create_task(send(core, provider, claimed))
    await asyncio.wait_for(double.silent.wait(), 20)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    async with core.database.transaction() as connection:
        await connection.execute(
            "UPDATE attempt SET lease_until = rr_now() - interval '1 second', sent_at = sent_at - interval '5 minutes'"
        )


async def test_a_quote_that_ended_while_nobody_worked_is_asked_for_anew(database_dsn):
    async with opened(database_dsn, call_timeout_seconds=20.0, first_sync_after_seconds=0.2) as (core, double):
        double.troubles[Step.TRANSFER].append(Trouble.BROKEN_BEFORE)
        await request(core, rewards(1))
        await send_all(core)
        assert list((await states(core)).values()) == ["outcome_unknown"]
        async with core.database.transaction() as connection:
            await connection.execute("UPDATE attempt SET sent_at = sent_at - interval '5 minutes'")
        await double.advance(31 * 60)
        async with working(core):
            await until(core, {"pending", "paid"}, seconds=90)

        assert [made.paid_for for made in double.transfers] == [1]


async def test_quotes_that_seem_to_end_at_once_are_used_in_the_end(database_dsn):
    async with opened(database_dsn) as (core, double):
        double.quotes_last = timedelta(seconds=20)
        await request(core, rewards(1))
        await send_all(core)

        assert list((await states(core)).values()) == ["pending"]
        assert double.asked[Step.QUOTE] == 4


async def test_a_fee_in_another_currency_is_booked_at_the_locked_rate(database_dsn):
    async with opened(database_dsn, source_currency="USD", first_sync_after_seconds=0.2) as (core, double):
        double.source_currency, double.rate = "USD", Decimal("0.8999")
        await request(core, rewards(1))
        async with working(core):
            await until(core, {"pending"})
            await settle(core, double)

        async with core.database.reading() as connection:
            row = await connection.fetchrow("SELECT state, fee FROM payout")
        # 10.00 EUR at 0.8999 are 11.12 USD, and 0.05 USD of fee: 11.17 USD are 10.051883 EUR.
        assert tuple(row) == ("paid", 6)


async def test_a_bounce_weeks_later_is_a_return_however_its_notices_come(database_dsn):
    async with opened(database_dsn, first_sync_after_seconds=3600.0) as (core, double):
        await request(core, rewards(1))
        await send_all(core)
        (made,) = double.transfers
        sent = notice(made, "sent")
        converted = notice(made, "converted", status=ObservedStatus.PENDING)
        made.status = "outgoing_payment_sent"
        async with working(core):
            await tell(core, sent, converted, sent)
            await until(core, {"paid"})
            made.status = "processing"
            await tell(core, notice(made, "backwards", status=ObservedStatus.PENDING))
            await asyncio.sleep(1)
            assert list((await states(core)).values()) == ["paid"]
            made.status = "bounced_back"
            await tell(core, notice(made, "bounced", status=ObservedStatus.RETURNED))
            await until(core, {"returned"})
            made.status = "funds_refunded"
            await tell(core, notice(made, "refunded", status=ObservedStatus.FAILED), sent)
            await asyncio.sleep(1)

        assert list((await states(core)).values()) == ["returned"]
        assert (await verify_books(core.database)).balances


async def test_money_refunded_before_it_arrived_is_a_failed_payout(database_dsn):
    async with opened(database_dsn, first_sync_after_seconds=0.2) as (core, double):
        await request(core, rewards(1))
        await send_all(core)
        double.transfers[0].status = "funds_refunded"
        async with working(core):
            await until(core, {"failed"})

        assert (await row_of(core))[:2] == ("failed", ErrorCode.RETURNED)
        assert (await verify_books(core.database)).balances


async def test_an_empty_balance_stops_the_rail_before_a_transfer_is_made(database_dsn):
    async with opened(database_dsn) as (core, double):
        double.balance = double.balance * 0
        await request(core, rewards(1))
        await send_all(core)

        assert await row_of(core) == ("ready", ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, 0)
        assert double.transfers == []


async def test_a_payment_refused_under_status_200_is_a_refusal(database_dsn):
    async with opened(database_dsn) as (core, double):
        double.balance, double.tells_true_balance = double.balance * 0, False
        await request(core, rewards(1))
        await send_all(core)

        assert await row_of(core) == ("ready", ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, 0)
        assert [made.paid_for for made in double.transfers] == [0]


async def test_a_destination_that_wise_would_not_take_fails_before_anything_is_asked(database_dsn):
    async with opened(database_dsn) as (core, double):
        (nameless,) = rewards(1)
        nameless = type(nameless)(**{**_fields(nameless), "destination": _without_memo(nameless.destination)})
        await request(core, [nameless])
        await send_all(core)

        assert (await row_of(core))[:2] == ("failed", ErrorCode.DESTINATION_INVALID)
        assert double.asked.total() == 0


def _fields(item: object) -> dict[str, object]:
    return {name: getattr(item, name) for name in item.__slots__}  # type: ignore[attr-defined]


def _without_memo(destination: object) -> object:
    return type(destination)(**{**_fields(destination), "memo": ""})


async def test_what_only_a_person_can_pay_for_waits_for_that_person(database_dsn):
    async with opened(database_dsn, first_sync_after_seconds=0.2, funding="app") as (core, double):
        await request(core, rewards(1))
        async with working(core):
            await until(core, {"pending"})
            await asyncio.sleep(1)
            assert list((await states(core)).values()) == ["pending"]
            assert double.asked[Step.PAYMENT] == 0
            double.transfers[0].status = "processing"
            await settle(core, double)

        assert list((await states(core)).values()) == ["paid"]


async def test_a_test_notice_has_no_effect(database_dsn):
    async with opened(database_dsn, first_sync_after_seconds=3600.0) as (core, double):
        await request(core, rewards(1))
        await send_all(core)
        double.transfers[0].status = "outgoing_payment_sent"
        await tell(core, notice(double.transfers[0], "test", x_test_notification="true"))
        await apply_notices(core, 10)
        async with core.database.reading() as connection:
            due = await connection.fetchval("SELECT sync_due_at < rr_now() + interval '1 minute' FROM attempt")

        assert list((await states(core)).values()) == ["pending"]
        assert due is False
