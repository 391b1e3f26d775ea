"""One payout from request to its end, on a rail whose answers the test writes."""

import pytest

from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import Accepted, CreateOutcome, OutcomeUnknown, RejectionScope, Settled
from rewardrails.engine.observe import Verdict, apply_observations, new_seen
from rewardrails.engine.operate import cancel, correct_destination, hold, release_hold, retry
from rewardrails.engine.quotes import pinned, quote
from rewardrails.engine.read import read_history
from rewardrails.engine.request import RequestVerdict, request_of, request_payouts
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.engine.send import claim, hold_lapsed_quotes, send
from rewardrails.errors import ErrorCode, Forbidden, NotCancelableError, ProofRequired, StateConflict
from rewardrails.ledger.invariants import verify
from tests.support.rounds import (
    assert_books_balance,
    expire_leases,
    make_everything_due,
    only_state,
    poll,
    recover,
    tell,
)
from tests.support.scripted_rail import ScriptedRail, accept, refuse, settle
from tests.support.season import BUDGET, opened_core, pool, request, reward, send_all, states


@pytest.mark.promise("G3")
async def test_a_settled_payout_moves_its_money_from_reserved_to_paid(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], funded=5000) as core:
        await request(core, [reward(1, amount_minor=1000)])
        assert await pool(core) == {"available": 4000, "reserved": 1000, "sponsor": -5000}

        await send_all(core)

        assert await only_state(core) == "paid"
        assert await pool(core) == {"available": 4000, "paid": 1000, "sponsor": -5000}
        await assert_books_balance(core)


@pytest.mark.promise("G2")
@pytest.mark.incident("I8")
async def test_an_accepted_payout_is_paid_when_the_rail_is_asked_later(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        assert await only_state(core) == "pending"
        rail.status = dict.fromkeys(rail.status, ObservedStatus.PAID)

        assert await poll(core, rail) == 1

        assert await only_state(core) == "paid"
        await assert_books_balance(core)


@pytest.mark.promise("G2", "G3")
async def test_a_certain_terminal_refusal_fails_and_gives_the_money_back(database_dsn):
    async with opened_core(
        database_dsn, [ScriptedRail("one", refuse(ErrorCode.DESTINATION_INVALID))], funded=5000
    ) as core:
        await request(core, [reward(1)])
        await send_all(core)

        assert await only_state(core) == "failed"
        assert await pool(core) == {"available": 5000, "sponsor": -5000}
        await assert_books_balance(core)


@pytest.mark.promise("G1")
@pytest.mark.incident("I5")
async def test_retryable_refusals_get_new_keys_until_the_tries_are_spent(database_dsn):
    rail = ScriptedRail("one", refuse(retryable=True))
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        for _ in range(10):
            await make_everything_due(core)
            await send_all(core)

        assert await only_state(core) == "failed"
        assert len(rail.calls) == len(set(rail.calls)) == core.retry.max_tries + 1


@pytest.mark.promise("G2", "G8")
async def test_an_outage_never_spends_a_payouts_own_tries(database_dsn):
    rail = ScriptedRail("one", refuse(ErrorCode.PROVIDER_UNAVAILABLE, retryable=True, scope=RejectionScope.PROVIDER))
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        for _ in range(12):
            await make_everything_due(core)
            await send_all(core)
        assert await only_state(core) == "ready"

        rail.script = settle
        await make_everything_due(core)
        await send_all(core)
        assert await only_state(core) == "paid"


@pytest.mark.promise("G4")
async def test_a_late_webhook_after_the_poll_changes_nothing(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)
        rail.status = dict.fromkeys(rail.status, ObservedStatus.PAID)
        await poll(core, rail)

        assert await tell(core, result, ObservedStatus.PAID) is Verdict.NO_CHANGE
        assert await tell(core, result, ObservedStatus.PENDING) is Verdict.NO_CHANGE
        assert await only_state(core) == "paid"
        await assert_books_balance(core)


@pytest.mark.promise("G1", "G4")
async def test_a_webhook_faster_than_the_answer_pays_once(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
        (item,) = await claim(core, rail, BUDGET, 10)
        answer = await send(core, rail, item)

        assert await tell(core, result, ObservedStatus.PAID) is Verdict.APPLIED
        await apply_observations(core, [answer])

        assert await only_state(core) == "paid"
        await assert_books_balance(core)


@pytest.mark.promise("G2", "G3")
async def test_the_truth_after_failure_is_booked_from_suspense_and_told_as_late_success(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one", refuse())], funded=1000) as core:
        (result,) = await request(core, [reward(1, amount_minor=1000)])
        await send_all(core)
        await request(core, [reward(2, amount_minor=1000)])  # the money is spoken for again

        assert await tell(core, result, ObservedStatus.PAID) is Verdict.APPLIED

        assert await pool(core) == {"reserved": 1000, "paid": 1000, "suspense": -1000, "sponsor": -1000}
        history = await read_history(core, result.payout_id)
        assert history.events[-1].type == "payout.late_success"
        report = await verify(core.database)
        assert report.balances
        assert len(report.suspense) == 1


@pytest.mark.promise("G3")
@pytest.mark.incident("I13", "I16")
async def test_a_return_brings_the_money_back_and_may_be_retried(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], funded=5000) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)

        assert await tell(core, result, ObservedStatus.RETURNED) is Verdict.APPLIED
        assert await pool(core) == {"available": 5000, "sponsor": -5000}
        assert await tell(core, result, ObservedStatus.RETURNED) is Verdict.NO_CHANGE

        await retry(core, result.payout_id, actor="test")
        await send_all(core)
        assert await only_state(core) == "paid"
        assert len(set(rail.calls)) == 2
        await assert_books_balance(core)


@pytest.mark.promise("G1", "G2")
@pytest.mark.incident("I6")
async def test_an_old_attempt_paid_while_a_later_one_is_under_way_is_a_contradiction_for_people(database_dsn):
    rail = ScriptedRail("one", refuse())
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)
        await retry(core, result.payout_id, actor="test")
        rail.script = accept
        await send_all(core)

        assert await tell(core, result, ObservedStatus.PAID, attempt_no=1) is Verdict.CONTRADICTION
        assert await only_state(core) == "pending"


@pytest.mark.promise("G4")
@pytest.mark.incident("I20", "I24")
@pytest.mark.parametrize(
    "lie",
    [
        {"amount": Money(amount_minor=1001, asset="EUR")},
        {"amount": Money(amount_minor=1000, asset="USD")},
        {"provider_reference": "somebody-elses"},
    ],
    ids=["amount", "asset", "reference"],
)
async def test_a_webhook_about_something_else_than_was_sent_moves_nothing(database_dsn, lie):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)

        assert await tell(core, result, ObservedStatus.PAID, **lie) is Verdict.MISMATCH
        assert await tell(core, result, ObservedStatus.PAID, provider="two") is Verdict.MISMATCH
        assert await only_state(core) == "pending"


@pytest.mark.promise("G4")
@pytest.mark.incident("I24")
async def test_our_own_call_answering_another_amount_is_unknown(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        (_result,) = await request(core, [reward(1)])
        (item,) = await claim(core, rail, BUDGET, 10)
        seen = new_seen(
            ref=item.ref,
            provider="one",
            source=ObservationSource.CALL,
            observation=Observation(status=ObservedStatus.PAID, amount=Money(amount_minor=1, asset="EUR")),
            actor="test",
            fence=item.fence,
        )
        await apply_observations(core, [seen])
        assert await only_state(core) == "outcome_unknown"


@pytest.mark.promise("G1")
@pytest.mark.incident("I10")
async def test_cancel_while_sending_is_refused_and_before_and_after_works(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail], funded=10_000) as core:
        first, second = await request(core, [reward(1), reward(2)])
        assert await cancel(core, first.payout_id, actor="test") == "canceled"
        (item,) = await claim(core, rail, BUDGET, 10)
        with pytest.raises(NotCancelableError):
            await cancel(core, second.payout_id, actor="test")
        await apply_observations(core, [await send(core, rail, item)])

        assert await cancel(core, second.payout_id, actor="test") == "canceled"

        assert await pool(core) == {"available": 10_000, "sponsor": -10_000}
        assert len(rail.calls) == 1
        await assert_books_balance(core)


@pytest.mark.promise("G1")
@pytest.mark.incident("I13")
async def test_a_payout_that_may_go_out_again_under_its_old_key_can_be_neither_canceled_nor_redirected(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
        await claim(core, rail, BUDGET, 10)
        await expire_leases(core)
        await recover(core, rail)
        assert await only_state(core) == "ready"

        with pytest.raises(NotCancelableError):
            await cancel(core, result.payout_id, actor="test")
        with pytest.raises(StateConflict):
            await correct_destination(core, result.payout_id, reward(2).destination, actor="test")


@pytest.mark.promise("G7")
@pytest.mark.incident("I10")
async def test_a_held_payout_is_not_sent_until_released(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        (result,) = await request(core, [reward(1)])
        await hold(core, result.payout_id, cause="review", actor="test")
        assert await send_all(core) == []

        await release_hold(core, result.payout_id, actor="test")
        await send_all(core)
        assert await only_state(core) == "paid"


@pytest.mark.promise("G5", "G7")
async def test_an_unknown_outcome_takes_two_people_and_evidence(database_dsn):
    async def vanish(rail: ScriptedRail, order: Order) -> CreateOutcome:
        return OutcomeUnknown()

    async with opened_core(database_dsn, [ScriptedRail("one", vanish)]) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)
        evidence = "statement 12 of the provider, line 4"

        with pytest.raises(ProofRequired):
            await resolve(core, result.payout_id, outcome=Resolved.NOT_PAID, evidence=" ", actor="key:a")
        first = await resolve(core, result.payout_id, outcome=Resolved.NOT_PAID, evidence=evidence, actor="key:a")
        assert first.confirmed_by is None
        with pytest.raises(Forbidden):
            await resolve(core, result.payout_id, outcome=Resolved.NOT_PAID, evidence=evidence, actor="key:a")
        assert await only_state(core) == "outcome_unknown"

        done = await resolve(core, result.payout_id, outcome=Resolved.NOT_PAID, evidence=evidence, actor="key:b")

        assert done.state == "failed"
        await assert_books_balance(core)


@pytest.mark.promise("G3")
async def test_the_fee_is_charged_up_to_its_ceiling_and_the_rest_released(database_dsn):
    async def dear(rail: ScriptedRail, order: Order) -> CreateOutcome:
        return Settled(
            provider_reference=rail.accept(order, ObservedStatus.PAID),
            fee=Money(amount_minor=rail.fee_minor, asset="EUR"),
        )

    rail = ScriptedRail("one", dear)
    async with opened_core(database_dsn, [rail], funded=10_000) as core:
        rail.fee_minor = 50
        row = reward(1)
        made = await quote(core, row, actor="test")
        pinned_quote = await pinned(core, made.id, row)
        (result,) = await request_payouts(core, [request_of(core, row, quote=pinned_quote)], "test")
        assert (await pool(core))["reserved"] == 1050

        rail.fee_minor = 30
        await send_all(core)

        assert result.verdict is RequestVerdict.ACCEPTED
        assert await pool(core) == {"available": 8970, "paid": 1000, "fees": 30, "sponsor": -10_000}
        await assert_books_balance(core)


@pytest.mark.promise("G3")
async def test_a_lapsed_quote_is_renewed_under_its_ceiling_and_held_above_it(database_dsn):

    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        rail.fee_minor = 50
        for number in (1, 2):
            row = reward(number)
            made = await quote(core, row, actor="test")
            await request_payouts(core, [request_of(core, row, quote=await pinned(core, made.id, row))], "test")
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE payout SET quote_expires_at = rr_now() - interval '1 minute'")

        rail.fee_minor = 50
        (cheap,) = await hold_lapsed_quotes(core, rail, await claim(core, rail, BUDGET, 1))
        await apply_observations(core, [await send(core, rail, cheap)])
        rail.fee_minor = 51
        assert await hold_lapsed_quotes(core, rail, await claim(core, rail, BUDGET, 1)) == []

        assert sorted((await states(core)).values()) == ["held", "paid"]
        assert len(rail.calls) == 1


@pytest.mark.promise("G1")
@pytest.mark.incident("I27")
async def test_an_unmapped_status_is_neither_paid_nor_failed(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)

        assert await tell(core, result, ObservedStatus.UNKNOWN) is Verdict.NO_CHANGE
        assert await only_state(core) == "pending"


@pytest.mark.promise("G2")
@pytest.mark.incident("I8")
async def test_accepting_without_a_provider_reference_is_still_followed(database_dsn):
    async def nameless(rail: ScriptedRail, order: Order) -> CreateOutcome:
        rail.accept(order, ObservedStatus.PAID)
        return Accepted(provider_reference="")

    rail = ScriptedRail("one", nameless)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        await poll(core, rail)
        assert await only_state(core) == "paid"
