"""What must hold when truth comes late, out of order, twice, or makes no sense."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from rewardrails.domain.money import Money
from rewardrails.domain.observation import Found, Observation, ObservedStatus, SyncResult
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import CreateOutcome, OutcomeUnknown, Rejected, Settled
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.engine.manual import ManualResult, record
from rewardrails.engine.observe import Verdict
from rewardrails.engine.operate import correct_destination, hold_within, release_hold_within, retry
from rewardrails.engine.quotes import pinned, quote
from rewardrails.engine.request import RequestVerdict, request_of, request_payouts
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.engine.send import claim, hold_lapsed_quotes
from rewardrails.engine.sync import give_up_lapsed_resends
from rewardrails.engine.webhooks import apply_notices, store_notices
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.events.seal import seal
from rewardrails.providers.base import Prepared, Reference
from rewardrails.worker.rail import Pauses, RailRunner, RailSettings
from tests.integration.engine.test_webhooks import inbox, notice
from tests.support.rounds import assert_books_balance, make_everything_due, only_state, poll, tell
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, accept, settle
from tests.support.sealing import seal_everything
from tests.support.season import BUDGET, CONFIG, opened_core, pool, request, reward, send_all, states

EVIDENCE = "statement of the fifth, line twelve"


async def retried_and_paid(core, rail):
    """A payout whose first attempt failed and whose second one paid."""
    (result,) = await request(core, [reward(1)])
    await send_all(core)
    await tell(core, result, ObservedStatus.FAILED)
    await retry(core, result.payout_id, actor="ops")
    rail.script = settle
    await send_all(core)
    assert await only_state(core) == "paid"
    return result


@pytest.mark.promise("G4")
@pytest.mark.incident("I6")
@pytest.mark.parametrize("status", [ObservedStatus.FAILED, ObservedStatus.RETURNED, ObservedStatus.CANCELED])
async def test_late_news_of_a_failed_attempt_leaves_the_payment_of_a_later_one_alone(database_dsn, status):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail], funded=5000) as core:
        result = await retried_and_paid(core, rail)

        assert await tell(core, result, status, attempt_no=1) is Verdict.NO_CHANGE

        assert await only_state(core) == "paid"
        assert await pool(core) == {"available": 4000, "paid": 1000, "sponsor": -5000}
        await assert_books_balance(core)


@pytest.mark.promise("G2")
@pytest.mark.incident("I6")
async def test_an_earlier_attempt_that_paid_too_is_told_as_a_contradiction(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        result = await retried_and_paid(core, rail)

        assert await tell(core, result, ObservedStatus.PAID, attempt_no=1) is Verdict.CONTRADICTION
        assert await only_state(core) == "paid"


@pytest.mark.promise("G4")
@pytest.mark.incident("I6")
async def test_old_word_that_a_returned_attempt_paid_does_not_settle_its_retry(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)
        await tell(core, result, ObservedStatus.RETURNED)
        await retry(core, result.payout_id, actor="ops")

        assert await tell(core, result, ObservedStatus.PAID) is Verdict.NO_CHANGE

        assert await only_state(core) == "ready"
        await send_all(core)
        assert len(set(rail.calls)) == 2
        await assert_books_balance(core)


@pytest.mark.promise("G4")
@pytest.mark.incident("I6")
async def test_old_word_that_an_attempt_was_canceled_does_not_cancel_its_retry(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one", accept)]) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)
        await tell(core, result, ObservedStatus.FAILED)
        await retry(core, result.payout_id, actor="ops")

        assert await tell(core, result, ObservedStatus.CANCELED) is Verdict.NO_CHANGE
        assert await only_state(core) == "ready"


@pytest.mark.promise("G1", "G3")
@pytest.mark.incident("I3")
async def test_a_person_who_refuses_what_another_has_paid_brings_no_money_back(database_dsn):
    by_hand = ScriptedRail("by-hand", accept)
    async with opened_core(database_dsn, [by_hand], funded=5000) as core:
        (result,) = await request(core, [reward(1, kind="manual_note", value="cash", memo="")])
        await send_all(core, "by-hand")
        paid = ManualResult(payout_id=result.payout_id, paid=True, words="receipt 12")
        refused = ManualResult(payout_id=result.payout_id, paid=False, words="nobody came")

        answers = await record(core, [paid, refused], "ops")

        assert isinstance(answers[1], RewardRailsError)
        assert await only_state(core) == "paid"
        assert (await pool(core))["paid"] == 1000


@pytest.mark.promise("G1")
@pytest.mark.incident("I2")
@pytest.mark.parametrize("told", [ObservedStatus.PENDING, ObservedStatus.PAID])
async def test_a_refusal_of_our_call_does_not_outweigh_what_the_provider_told_meanwhile(database_dsn, told):
    async def told_before_refused(rail: ScriptedRail, order: Order) -> CreateOutcome:
        rail.accept(order, told)
        await tell(core, result, told)
        return Rejected(code=ErrorCode.PROVIDER_REJECTED, retryable=False)

    rail = ScriptedRail("one", told_before_refused)
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
        assert await send_all(core) == [Verdict.CONTRADICTION]

        assert await only_state(core) == told.value
        await assert_books_balance(core)


@pytest.mark.promise("G2")
async def test_a_payout_whose_key_lapsed_before_its_resend_is_still_asked_about(database_dsn):
    async def lost(rail: ScriptedRail, order: Order) -> CreateOutcome:
        return OutcomeUnknown()

    rail = ScriptedRail("one", lost)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        await poll(core, rail)
        assert await only_state(core) == "ready"
        (key,) = rail.calls
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE submission SET expires_at = rr_now()")
        await give_up_lapsed_resends(core, rail)
        assert await only_state(core) == "outcome_unknown"
        rail.status[key] = ObservedStatus.PAID

        assert await poll(core, rail) == 1
        assert await only_state(core) == "paid"


@pytest.mark.promise("G3", "G4")
@pytest.mark.parametrize("fee", [-5, 10**40])
async def test_a_fee_that_cannot_be_moves_no_money(database_dsn, fee):
    async def odd(rail: ScriptedRail, order: Order) -> CreateOutcome:
        reference = rail.accept(order, ObservedStatus.PAID)
        return Settled(provider_reference=reference, fee=Money(amount_minor=fee, asset="EUR"))

    async with opened_core(database_dsn, [ScriptedRail("one", odd)]) as core:
        await request(core, [reward(1), reward(2)])
        await send_all(core, wanted=1)

        assert sorted((await states(core)).values()) == ["outcome_unknown", "ready"]
        await assert_books_balance(core)


@pytest.mark.promise("G2")
async def test_late_success_is_recognised_after_the_destination_was_corrected(database_dsn):
    old = reward(1).destination
    async with opened_core(database_dsn, [ScriptedRail("one", accept)]) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)
        await tell(core, result, ObservedStatus.FAILED)
        await correct_destination(core, result.payout_id, reward(2).destination, actor="ops")
        await retry(core, result.payout_id, actor="ops")

        assert await tell(core, result, ObservedStatus.PAID, destination=old) is Verdict.APPLIED
        assert await only_state(core) == "paid"


@pytest.mark.promise("G1", "G7")
async def test_nobody_confirms_what_was_found_out_before_the_payout_was_sent_again(database_dsn):
    async def lost(rail: ScriptedRail, order: Order) -> CreateOutcome:
        return OutcomeUnknown()

    rail = ScriptedRail("one", lost)
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)
        await resolve(core, result.payout_id, outcome=Resolved.NOT_PAID, evidence=EVIDENCE, actor="one")
        await poll(core, rail)
        await make_everything_due(core)
        await send_all(core)
        assert await only_state(core) == "outcome_unknown"

        again = await resolve(core, result.payout_id, outcome=Resolved.NOT_PAID, evidence=EVIDENCE, actor="two")

        assert again.confirmed_by is None
        assert again.proposed_by == "two"
        assert await only_state(core) == "outcome_unknown"


@pytest.mark.promise("G4")
@pytest.mark.incident("I20")
async def test_an_answer_about_another_key_moves_nothing(database_dsn):
    class Mixed(ScriptedRail):
        async def sync(self, reference: Reference) -> SyncResult:
            seen = Observation(status=ObservedStatus.PAID, rail_key="0" * 32 + "-1", amount=reference.amount)
            return Found(observation=seen)

    rail = Mixed("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        await poll(core, rail)

        assert await only_state(core) == "pending"


@pytest.mark.promise("G2")
@pytest.mark.incident("I28")
async def test_a_paid_attempt_is_watched_until_its_horizon_and_no_longer(database_dsn):
    rail = ScriptedRail("one", capabilities=replace(CAPABILITIES, reversal_horizon=timedelta(days=8)))
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        await poll(core, rail)
        async with core.database.reading() as connection:
            wait = await connection.fetchval("SELECT sync_due_at - rr_now() FROM attempt")
        assert timedelta(hours=23) < wait < timedelta(hours=25)

        async with core.database.transaction() as tx:
            await tx.execute("UPDATE attempt SET updated_at = updated_at - interval '9 days'")
        assert await poll(core, rail) == 1
        assert await poll(core, rail) == 0


@pytest.mark.promise("G8")
async def test_one_unreadable_notice_holds_up_no_other(database_dsn):
    async def lost(rail: ScriptedRail, order: Order) -> CreateOutcome:
        return OutcomeUnknown()

    rail = ScriptedRail("one", lost)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1), reward(2)])
        await send_all(core)
        bad, good = rail.calls
        await store_notices(core, [notice(bad, ObservedStatus.PAID, provider_reference="re\x00f")])
        await store_notices(core, [notice(good, ObservedStatus.PAID)])
        for _ in range(3):
            await apply_notices(core, 100)

        assert sorted((await states(core)).values()) == ["outcome_unknown", "paid"]
        assert sorted(state for state, _ in await inbox(core)) == ["applied", "quarantined"]


@pytest.mark.promise("G8")
async def test_one_unreadable_answer_holds_up_no_other(database_dsn):
    all_asked = asyncio.Event()

    class Odd(ScriptedRail):
        asked = 0

        async def sync(self, reference: Reference) -> SyncResult:
            self.asked += 1
            if self.asked == 3:
                all_asked.set()
            told = "re\x00f" if reference.ref.rail_key == self.calls[0] else ""
            return Found(observation=Observation(status=ObservedStatus.PAID, provider_reference=told))

    async def lost(rail: ScriptedRail, order: Order) -> CreateOutcome:
        return OutcomeUnknown()

    rail = Odd("one", lost)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1), reward(2), reward(3)])
        await send_all(core)
        await make_everything_due(core)
        stop = asyncio.Event()
        runner = RailRunner(core, rail, RailSettings(sends=True, calls_at_once=4, budget=BUDGET), Pauses())
        running = asyncio.create_task(runner.run(stop))
        await asyncio.wait_for(all_asked.wait(), 10)
        stop.set()
        await running

        assert sorted((await states(core)).values()) == ["outcome_unknown", "paid", "paid"]


@pytest.mark.promise("G3", "G8")
async def test_a_row_too_large_for_the_ledger_with_its_fee_is_refused_alone(database_dsn):
    config = CONFIG.replace("[providers.one]", '[providers.one]\nfees = { fixed = { EUR = "0.05" } }')
    async with opened_core(database_dsn, [ScriptedRail("one")], config=config) as core:
        results = await request(core, [reward(1), reward(2, amount_minor=10**38 - 1)])

        assert [result.verdict for result in results] == [RequestVerdict.ACCEPTED, RequestVerdict.REFUSED]


@pytest.mark.promise("G5")
async def test_versions_of_one_payout_are_sealed_in_order_whatever_else_is_running(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        (result,) = await request(core, [reward(1)])
        await seal_everything(core.database)
        async with core.database.transaction() as older, core.database.transaction() as running:
            await older.fetchval("SELECT pg_current_xact_id()")
            await running.fetchval("SELECT pg_current_xact_id()")
            async with core.database.transaction() as younger:
                await hold_within(core, younger, result.payout_id, cause="look", actor="ops")
            await release_hold_within(core, older, result.payout_id, actor="ops")
            await older.execute("COMMIT")
            await seal(core.database, [])
            await older.execute("BEGIN")
        await seal_everything(core.database)

        async with core.database.reading() as connection:
            rows = await connection.fetch(
                "SELECT version FROM event WHERE subject_id = $1 ORDER BY position", result.payout_id
            )
        assert [row["version"] for row in rows] == [1, 2, 3]


@pytest.mark.promise("G2")
async def test_what_could_not_be_prepared_was_never_sent_and_is_tried_again(database_dsn):
    class Preparing(ScriptedRail):
        async def prepare(self, orders: Sequence[Order]) -> Sequence[Prepared]:
            raise TimeoutError("the node does not answer")

    rail = Preparing("one", capabilities=replace(CAPABILITIES, lookup_is_authoritative=False))
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1), reward(2)])
        assert await claim(core, rail, BUDGET, 10) == []

        assert list((await states(core)).values()) == ["ready", "ready"]
        assert rail.calls == []


@pytest.mark.promise("G2", "G8")
async def test_a_quote_that_cannot_be_renewed_strands_nothing_of_its_round(database_dsn):
    class Quoting(ScriptedRail):
        async def quote(self, request: QuoteRequest) -> Quote:
            raise TimeoutError("the rail does not answer")

    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        one, two = reward(1), reward(2)
        stored = await quote(core, one, actor="test")
        asked = request_of(core, one, quote=await pinned(core, stored.id, one))
        await request_payouts(core, [asked, request_of(core, two)], "test")
        async with core.database.transaction() as tx:
            await tx.execute(
                "UPDATE payout SET quote_expires_at = rr_now() - interval '1 second' WHERE quote_id IS NOT NULL"
            )
        broken = Quoting("one")

        sendable = await hold_lapsed_quotes(core, broken, await claim(core, broken, BUDGET, 10))

        assert len(sendable) == 1
        assert sorted((await states(core)).values()) == ["held", "submitting"]
