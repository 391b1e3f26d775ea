"""What each call of the adapter does at PayPal: tokens, keys that are taken, cancels, returns."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rewardrails.domain.money import Money
from rewardrails.domain.observation import CannotTell, Found, ObservedStatus
from rewardrails.domain.outcome import Accepted, Canceled, NotCancelable, OutcomeUnknown, Rejected, Settled
from rewardrails.errors import ErrorCode
from rewardrails.providers.paypal.provider import PayPalProvider
from rewardrails.secrets import Secret
from rewardrails.testing.contract import Conduct
from tests.vendors.paypal.account import an_order, provider_of, reference_of
from tests.vendors.paypal.double import MAGIC, TRUTHS, PayPalDouble

pytestmark = [pytest.mark.promise("G1", "G2")]


@pytest.fixture
async def double() -> AsyncIterator[PayPalDouble]:
    async with PayPalDouble() as opened:
        yield opened


@pytest.fixture
async def rail(double: PayPalDouble) -> AsyncIterator[PayPalProvider]:
    made = provider_of(double)
    yield made
    await made.close()


async def test_one_token_serves_many_calls_and_is_in_no_repr(rail: PayPalProvider, double: PayPalDouble) -> None:
    await asyncio.gather(*(rail.create_payout(an_order()) for _ in range(5)))

    assert len(double.tokens) == 1
    assert double.tokens[0] not in repr(vars(rail)) + repr(vars(rail._session))


async def test_a_token_that_is_about_to_lapse_is_not_used(rail: PayPalProvider, double: PayPalDouble) -> None:
    double.token_seconds = 30
    for _ in range(2):
        assert isinstance(await rail.create_payout(an_order()), Accepted)

    assert len(double.tokens) == 2


async def test_a_withdrawn_token_refuses_one_payout_for_certain_and_is_renewed(
    rail: PayPalProvider, double: PayPalDouble
) -> None:
    order = an_order()
    await rail.create_payout(an_order())
    double.withdraw_tokens()

    refused = await rail.create_payout(order)
    taken = await rail.create_payout(order)

    assert isinstance(refused, Rejected)
    assert (refused.code, refused.scope, refused.retryable) == (ErrorCode.PROVIDER_AUTH_FAILED, "provider", True)
    assert isinstance(taken, Accepted)
    assert len(await double.journal(order.rail_key)) == 1


async def test_a_question_is_asked_again_with_a_new_token(rail: PayPalProvider, double: PayPalDouble) -> None:
    order = an_order()
    taken = await rail.create_payout(order)
    double.withdraw_tokens()

    assert isinstance(taken, Accepted)
    assert isinstance(await rail.sync(reference_of(order, taken.provider_reference)), Found)


async def test_a_wrong_secret_is_the_account_s_fault_and_sends_nothing(double: PayPalDouble) -> None:
    rail = provider_of(double)
    rail._session._basic = Secret("Basic eDp5")
    try:
        outcome = await rail.create_payout(an_order())
    finally:
        await rail.close()

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.scope) == (ErrorCode.PROVIDER_AUTH_FAILED, "provider")
    assert double.taken == []


@pytest.mark.parametrize(
    ("note", "code", "scope"),
    [
        ("ERRPYO001", ErrorCode.PROVIDER_AUTH_FAILED, "provider"),
        ("ERRPYO005", ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, "provider"),
        ("ERRPYO010", ErrorCode.PROVIDER_REJECTED, "payout"),
        ("ERRPYO011", ErrorCode.PROVIDER_AUTH_FAILED, "provider"),
        ("ERRPYO012", ErrorCode.PROVIDER_AUTH_FAILED, "provider"),
        ("ERRPYO035", ErrorCode.PROVIDER_RATE_LIMITED, "provider"),
        ("ERRPYO038", ErrorCode.ASSET_UNSUPPORTED, "payout"),
        ("ERRPYO040", ErrorCode.PROVIDER_AUTH_FAILED, "provider"),
    ],
)
async def test_what_the_sandbox_refuses_is_refused(
    rail: PayPalProvider, double: PayPalDouble, note: str, code: ErrorCode, scope: str
) -> None:
    double.magic = note
    outcome = await rail.create_payout(an_order())

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.scope, outcome.evidence.provider_code) == (code, scope, MAGIC[note][1])
    assert outcome.evidence.trace_id


@pytest.mark.parametrize("note", ["ERRPYO006", "ERRPYO014", "ERRPYO036", "ERRPYO039"])
async def test_what_proves_nothing_is_unknown(rail: PayPalProvider, double: PayPalDouble, note: str) -> None:
    double.magic = note

    assert isinstance(await rail.create_payout(an_order()), OutcomeUnknown)


@pytest.mark.incident("I9")
async def test_a_key_that_is_taken_leads_to_the_batch_that_has_it(rail: PayPalProvider, double: PayPalDouble) -> None:
    order = an_order()
    await double.behave(Conduct.LOSE_REPLY)
    lost = await rail.create_payout(order)
    await double.behave(Conduct.ACCEPT)
    found = await rail.create_payout(order)
    await double.move(order.rail_key, ObservedStatus.PAID)
    paid = await rail.create_payout(order)

    assert isinstance(lost, OutcomeUnknown)
    assert isinstance(found, Accepted)
    assert isinstance(paid, Settled)
    assert paid.fee == Money(amount_minor=25, asset="USD")
    assert found.provider_reference == paid.provider_reference == double.taken[0].batch_id
    assert len(await double.journal(order.rail_key)) == 1


@pytest.mark.parametrize("change", ["amount", "receiver"])
async def test_a_key_that_is_taken_by_something_else_is_a_conflict(
    rail: PayPalProvider, double: PayPalDouble, change: str
) -> None:
    order = an_order()
    await rail.create_payout(order)
    other = an_order(amount_minor=1251) if change == "amount" else an_order(value="b@example.org")

    outcome = await rail.create_payout(replace(other, ref=order.ref))

    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.code is ErrorCode.DUPLICATE_CONFLICT


async def test_a_batch_whose_items_do_not_show_yet_is_compared_by_its_sum(
    rail: PayPalProvider, double: PayPalDouble
) -> None:
    order = an_order()
    await rail.create_payout(order)
    double.taken[0].has_items, double.taken[0].status = False, "PENDING"

    same = await rail.create_payout(order)
    other = await rail.create_payout(replace(order, amount=Money(amount_minor=1, asset="USD")))

    assert isinstance(same, Accepted)
    assert isinstance(other, OutcomeUnknown)


async def test_the_letters_of_an_address_may_change_their_case(rail: PayPalProvider, double: PayPalDouble) -> None:
    order = an_order(value="Player@Example.org")
    await rail.create_payout(order)
    double.taken[0].body["items"][0]["receiver"] = "player@example.org"

    assert isinstance(await rail.create_payout(order), Accepted)


async def test_before_paypal_has_named_a_batch_nothing_can_be_asked(rail: PayPalProvider, double: PayPalDouble) -> None:
    order = an_order()
    await double.behave(Conduct.LOSE_REPLY)
    await rail.create_payout(order)

    assert isinstance(await rail.sync(reference_of(order)), CannotTell)


async def test_another_payout_s_batch_tells_nothing(rail: PayPalProvider, double: PayPalDouble) -> None:
    await rail.create_payout(an_order())

    assert isinstance(await rail.sync(reference_of(an_order(), double.taken[0].batch_id)), CannotTell)


async def test_what_is_unclaimed_can_be_canceled_and_comes_back(rail: PayPalProvider, double: PayPalDouble) -> None:
    order = an_order()
    taken = await rail.create_payout(order)
    assert isinstance(taken, Accepted)
    reference = reference_of(order, taken.provider_reference)

    assert isinstance(await rail.cancel(reference), Canceled)
    assert isinstance(await rail.cancel(reference), NotCancelable)
    seen = await rail.sync(reference)
    assert isinstance(seen, Found)
    assert seen.observation.status is ObservedStatus.RETURNED


@pytest.mark.parametrize("item_status", ["SUCCESS", "PENDING", "ONHOLD", "BLOCKED", "FAILED", "REFUNDED"])
async def test_only_what_is_unclaimed_can_be_canceled(
    rail: PayPalProvider, double: PayPalDouble, item_status: str
) -> None:
    order = an_order()
    await rail.create_payout(order)
    double.taken[0].item_status = item_status

    assert isinstance(await rail.cancel(reference_of(order, double.taken[0].batch_id)), NotCancelable)
    assert double.taken[0].item_status == item_status


async def test_a_cancel_of_what_nobody_has_heard_of_proves_nothing(rail: PayPalProvider, double: PayPalDouble) -> None:
    await rail.create_payout(an_order())

    for name in ("", "UNHEARDOF", double.taken[0].batch_id):
        assert isinstance(await rail.cancel(reference_of(an_order(), name)), OutcomeUnknown)
    assert double.taken[0].item_status == "UNCLAIMED"


async def test_after_thirty_days_what_nobody_claimed_is_back(rail: PayPalProvider, double: PayPalDouble) -> None:
    order = an_order()
    taken = await rail.create_payout(order)
    assert isinstance(taken, Accepted)
    reference = reference_of(order, taken.provider_reference)

    waiting = await rail.sync(reference)
    await double.advance(31 * 86_400)
    back = await rail.sync(reference)

    assert isinstance(waiting, Found)
    assert (waiting.observation.status, waiting.observation.code) == (
        ObservedStatus.PENDING,
        ErrorCode.PLAYER_ACTION_REQUIRED,
    )
    assert isinstance(back, Found)
    assert back.observation.status is ObservedStatus.RETURNED


@pytest.mark.parametrize("status", [status for status in TRUTHS if status is not ObservedStatus.UNKNOWN])
async def test_the_double_s_truth_is_told(rail: PayPalProvider, double: PayPalDouble, status: ObservedStatus) -> None:
    order = an_order()
    await rail.create_payout(order)
    await double.move(order.rail_key, status)

    seen = await rail.sync(reference_of(order, double.taken[0].batch_id))

    assert isinstance(seen, Found)
    assert seen.observation.status is status


async def test_a_currency_that_paypal_does_not_hold_is_refused_before_anything_is_sent(
    rail: PayPalProvider, double: PayPalDouble
) -> None:
    outcome = await rail.create_payout(replace(an_order(), amount=Money(amount_minor=5, asset="TON")))

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable) == (ErrorCode.ASSET_UNSUPPORTED, False)
    assert double.tokens == []
