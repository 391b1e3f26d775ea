"""Payouts over Stripe through the whole engine: its journal says whether anybody was paid twice, or not at all."""

import asyncio

import pytest

from rewardrails.domain.observation import ObservedStatus
from rewardrails.engine.core import Core
from rewardrails.engine.operate import retry
from rewardrails.errors import ErrorCode
from rewardrails.ledger.invariants import verify as verify_books
from tests.support.season import request, send_all, states
from tests.vendors.stripe.double import Step, StripeDouble, Trouble
from tests.vendors.stripe.stage import crash_in, intents_of, notice, opened, paid_for, rewards, tell
from tests.vendors.wise.stage import until, working

pytestmark = [pytest.mark.promise("G1", "G2", "G3")]
TROUBLES = [
    Trouble.LOSE_REPLY,
    Trouble.LATE,
    Trouble.BROKEN_BEFORE,
    Trouble.BROKEN_AFTER,
    Trouble.REFUSE,
    Trouble.REFUSE_STRANGELY,
    Trouble.REFUSE_DRIFT,
]
REFUSED_UNREAD = [Trouble.LIMITED, Trouble.UNAUTHORIZED, Trouble.FORBIDDEN]
PAYOUTS = 12


async def settle(core: Core, double: StripeDouble) -> None:
    """Let Stripe pay out whatever was confirmed, and the engine hear of it."""
    for made in double.intents:
        if made.paid:
            made.status = made.payment_status = "posted"
    await until(core, {"paid", "failed"})


async def row_of(core: Core) -> tuple[str, str | None, int]:
    async with core.database.reading() as connection:
        row = await connection.fetchrow("SELECT state::text, code, last_attempt_no FROM payout")
    return tuple(row)


async def age(core: Core, minutes: int = 5) -> None:
    async with core.database.transaction() as connection:
        await connection.execute("UPDATE attempt SET sent_at = sent_at - make_interval(mins => $1)", minutes)


@pytest.mark.incident("I2", "I9")
@pytest.mark.parametrize("step", [Step.INTENT, Step.CONFIRM])
async def test_no_answer_lost_late_or_refused_at_a_step_pays_twice_or_loses_a_payout(database_dsn, trials, step):
    async with opened(database_dsn, call_timeout_seconds=2.0) as (core, double):
        double.troubles[step].extend(TROUBLES)
        await request(core, rewards(PAYOUTS))
        async with working(core):
            await until(core, {"pending", "failed"}, seconds=60)
            await settle(core, double)

        standing = await states(core)
        paid = paid_for(double, standing)
        assert max(paid.values()) == 1
        assert {payout for payout, state in standing.items() if state == "paid"} == {
            payout for payout, count in paid.items() if count
        }
        assert not double.troubles[step]
        assert (await verify_books(core.database)).balances
        trials(PAYOUTS)


@pytest.mark.incident("I9")
@pytest.mark.parametrize("step", [Step.INTENT, Step.CONFIRM])
async def test_after_a_crash_a_payout_goes_on_at_its_step(database_dsn, step):
    async with opened(database_dsn, call_timeout_seconds=20.0) as (core, double):
        double.troubles[step].append(Trouble.LATE)
        ((result),) = await request(core, rewards(1))
        await crash_in(core, double)
        async with working(core):
            await until(core, {"pending"})
            await settle(core, double)

        assert [made.paid for made in intents_of(double, result.payout_id)] == [1]
        assert double.asked[Step.CONFIRM] == 1
        assert (await verify_books(core.database)).balances


@pytest.mark.parametrize("trouble", REFUSED_UNREAD)
async def test_a_second_confirmation_that_is_turned_away_proves_nothing_about_the_first(database_dsn, trouble):
    """The first is still on its way, and arrives after the second was turned away."""
    async with opened(database_dsn) as (core, double):
        double.troubles[Step.CONFIRM].extend([Trouble.HELD, trouble])
        ((result),) = await request(core, rewards(1))
        await send_all(core)
        await age(core)
        async with working(core):
            async with asyncio.timeout(60):
                while double.asked[Step.CONFIRM] < 2:  # noqa: ASYNC110 - another task works
                    await asyncio.sleep(0.02)
            double.released.set()
            await until(core, {"pending"}, seconds=60)
            await settle(core, double)

        assert [made.paid for made in intents_of(double, result.payout_id)] == [1]
        assert (await row_of(core))[0] == "paid"
        assert (await verify_books(core.database)).balances


@pytest.mark.parametrize("trouble", REFUSED_UNREAD)
async def test_a_second_confirmation_that_is_turned_away_leaves_the_outcome_unknown(database_dsn, trouble):
    async with opened(database_dsn) as (core, double):
        double.troubles[Step.CONFIRM].extend([Trouble.BROKEN_BEFORE, trouble])
        await request(core, rewards(1))
        await send_all(core)
        await age(core)
        async with working(core):
            await until(core, {"pending"}, seconds=60)

        assert (await row_of(core))[2] == 1
        assert (len(double.intents), double.asked[Step.CONFIRM]) == (1, 3)


async def test_a_confirmation_that_is_turned_away_at_first_is_no_try_of_the_payout(database_dsn):
    async with opened(database_dsn) as (core, double):
        double.troubles[Step.CONFIRM].append(Trouble.UNAUTHORIZED)
        await request(core, rewards(1))
        await send_all(core)

        assert (await row_of(core))[:2] == ("ready", ErrorCode.PROVIDER_AUTH_FAILED)
        assert [made.paid for made in double.intents] == [0]


async def test_an_intent_that_was_canceled_before_a_crash_is_followed_by_another(database_dsn):
    async with opened(database_dsn, call_timeout_seconds=20.0) as (core, double):
        double.troubles[Step.CONFIRM].append(Trouble.REFUSE)
        double.troubles[Step.CANCEL].append(Trouble.LATE)
        ((result),) = await request(core, rewards(1))
        await crash_in(core, double)
        async with working(core):
            await until(core, {"pending"})
            await settle(core, double)

        made = intents_of(double, result.payout_id)
        assert [(one.status, one.paid) for one in made] == [("canceled", 0), ("posted", 1)]
        assert (await verify_books(core.database)).balances


async def test_a_refusal_whose_canceling_was_not_answered_ends_as_failed_and_can_be_retried(database_dsn):
    async with opened(database_dsn) as (core, double):
        double.troubles[Step.CONFIRM].append(Trouble.REFUSE)
        double.troubles[Step.CANCEL].append(Trouble.LOSE_REPLY)
        ((result),) = await request(core, rewards(1))
        await send_all(core)
        assert (await row_of(core))[0] == "outcome_unknown"
        async with working(core):
            await until(core, {"failed"})
            await retry(core, result.payout_id, actor="test")
            await until(core, {"pending"})
            await settle(core, double)

        assert paid_for(double, await states(core)) == {result.payout_id: 1}
        assert (await verify_books(core.database)).balances


async def test_an_account_that_is_not_the_recipients_is_refused_and_never_confirmed(database_dsn):
    async with opened(database_dsn) as (core, double):
        double.match_result = "no_match"
        await request(core, rewards(1))
        await send_all(core)

        assert (await row_of(core))[:2] == ("failed", ErrorCode.DESTINATION_INVALID)
        assert [(made.status, made.paid) for made in double.intents] == [("canceled", 0)]


async def test_a_thin_event_is_enough_to_see_a_payment_at_once(database_dsn):
    async with opened(database_dsn, call_timeout_seconds=20.0, first_sync_after_seconds=3600.0) as (core, double):
        await request(core, rewards(1))
        async with working(core):
            await until(core, {"pending"})
            double.intents[0].status = double.intents[0].payment_status = "posted"
            await tell(core, notice(double.intents[0], "one", ObservedStatus.PAID))
            await until(core, {"paid"})

        assert (await verify_books(core.database)).balances


async def test_money_that_comes_back_weeks_later_is_a_return_however_its_events_come(database_dsn):
    async with opened(database_dsn, call_timeout_seconds=20.0, first_sync_after_seconds=3600.0) as (core, double):
        ((result),) = await request(core, rewards(1))
        await send_all(core)
        (made,) = double.intents
        early = notice(made, "processing", ObservedStatus.PENDING)
        posted = notice(made, "posted", ObservedStatus.PAID)
        key = made.body["metadata"]["rewardrails_key"]
        await double.move(key, ObservedStatus.PAID)
        async with working(core):
            await tell(core, posted, early, posted)
            await until(core, {"paid"})
            await double.advance(40 * 86_400)
            await double.move(key, ObservedStatus.RETURNED)
            back = notice(made, "back", ObservedStatus.RETURNED)
            await tell(core, back, back)
            await until(core, {"returned"})
            await tell(core, posted, early, back)
            await asyncio.sleep(1)

        assert (await row_of(core))[:2] == ("returned", ErrorCode.RETURNED)
        assert paid_for(double, await states(core)) == {result.payout_id: 1}
        assert (await verify_books(core.database)).balances


async def test_events_of_the_payment_itself_are_taken_and_change_nothing(database_dsn):
    async with opened(database_dsn, call_timeout_seconds=20.0, first_sync_after_seconds=3600.0) as (core, double):
        await request(core, rewards(1))
        await send_all(core)
        (made,) = double.intents
        async with working(core):
            for status in (
                ObservedStatus.PAID,
                ObservedStatus.FAILED,
                ObservedStatus.RETURNED,
                ObservedStatus.CANCELED,
            ):
                await tell(core, notice(made, f"of-{status}", status, about="outbound_payment"))
            await asyncio.sleep(1)

        async with core.database.reading() as connection:
            waiting = await connection.fetchval("SELECT count(*) FROM webhook_inbox WHERE state <> 'applied'")
        assert (waiting, (await row_of(core))[0]) == (0, "pending")
