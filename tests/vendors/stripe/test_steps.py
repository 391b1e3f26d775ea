"""Stripe's two steps, its words and its notices: what moves money, and what is never taken for an answer."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from uuid import UUID

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, Found, ObservedStatus
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import Accepted, OutcomeUnknown, Progressed, Rejected, RejectionScope
from rewardrails.domain.quote import QuoteRequest
from rewardrails.errors import ErrorCode
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.stripe.mapping import PAYMENT_STATUSES
from rewardrails.providers.stripe.provider import StripeProvider
from rewardrails.secrets import Secret
from tests.vendors.stripe.double import ACCOUNT, API_KEY, KIND, WEBHOOK_SECRET, Step, StripeDouble, Trouble

pytestmark = [pytest.mark.promise("G1")]
ORDER = Order(
    ref=AttemptRef(payout_id=UUID(int=7), attempt_no=1),
    amount=Money(amount_minor=10_000, asset="EUR"),
    destination=Destination(kind=KIND, value="acct_Sparrow77"),
    player_id="player",
    campaign="season",
    jurisdiction="DE",
    fee_ceiling=Money(amount_minor=500, asset="EUR"),
)
REFERENCE = Reference(ref=ORDER.ref, amount=ORDER.amount)


@pytest.fixture
async def double() -> AsyncIterator[StripeDouble]:
    async with StripeDouble() as opened:
        yield opened


@pytest.fixture
async def rail(double: StripeDouble) -> AsyncIterator[StripeProvider]:
    provider = provider_of(double)
    yield provider
    await provider.close()


def provider_of(
    double: StripeDouble,
    *,
    source: str = "EUR",
    account: str = ACCOUNT,
    assets: Mapping[str, int] | None = None,
    call_timeout_seconds: float = 2.0,
    **settings: object,
) -> StripeProvider:
    return StripeProvider(
        ProviderContext(
            name="one",
            environment=ProviderEnvironment.SANDBOX,
            settings={"base_url": double.url, "financial_account": account, "source_currency": source} | settings,
            credentials={"api_key": Secret(API_KEY), "webhook_secret": Secret(WEBHOOK_SECRET)},
            assets=assets or {"EUR": 2},
            fees=FeeSchedule(basis_points=500),
            call_timeout_seconds=call_timeout_seconds,
            http=HttpClient(),
        )
    )


async def made(rail: StripeProvider) -> Order:
    outcome = await rail.create_payout(ORDER)
    assert isinstance(outcome, Progressed)
    return replace(ORDER, resume=outcome.resume)


@pytest.mark.parametrize("trouble", [Trouble.LOSE_REPLY, Trouble.BROKEN_AFTER, Trouble.BROKEN_BEFORE, Trouble.LATE])
async def test_a_confirmation_without_an_answer_is_unknown_and_then_pays_once(double, rail, trouble):
    order = await made(rail)
    double.troubles[Step.CONFIRM].append(trouble)

    first = await rail.create_payout(order)
    second = await rail.create_payout(order)

    assert isinstance(first, OutcomeUnknown)
    assert isinstance(second, Accepted)
    assert [one.paid for one in double.made(ORDER.rail_key)] == [1]


async def test_an_intent_that_nobody_confirmed_is_no_payout(double, rail):
    await made(rail)

    assert isinstance(await rail.sync(REFERENCE), Absent)
    assert not await double.journal(ORDER.rail_key)


async def test_a_refused_confirmation_leaves_nothing_that_could_be_confirmed(double, rail):
    order = await made(rail)
    double.troubles[Step.CONFIRM].append(Trouble.REFUSE)

    outcome = await rail.create_payout(order)

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable) == (ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, True)
    assert [one.status for one in double.made(ORDER.rail_key)] == ["canceled"]


async def test_a_rate_that_ended_is_not_confirmed_and_its_intent_is_canceled(double):
    double.rate = "0.92345"
    rail = provider_of(double, source="USD")
    order = await made(rail)
    await double.advance(600)

    outcome = await rail.create_payout(order)

    await rail.close()
    assert isinstance(outcome, Rejected)
    assert outcome.code is ErrorCode.QUOTE_EXPIRED
    assert [(one.status, one.paid) for one in double.made(ORDER.rail_key)] == [("canceled", 0)]


async def test_a_fee_in_another_currency_is_told_at_the_locked_rate_rounded_up(double):
    double.rate = "0.92345"
    rail = provider_of(double, source="USD")

    quote = await rail.quote(
        QuoteRequest(amount=ORDER.amount, destination=ORDER.destination, player_id="p", jurisdiction="DE")
    )

    await rail.close()
    assert quote.fee.amount_minor == 47  # 50 * 0.92345 = 46.17
    assert [one.status for one in double.intents] == ["canceled"]


async def test_an_intent_of_another_amount_is_never_confirmed(double, rail):
    order = await made(rail)

    outcome = await rail.create_payout(replace(order, amount=Money(amount_minor=10_001, asset="EUR")))

    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.code is ErrorCode.DUPLICATE_CONFLICT
    assert not await double.journal(ORDER.rail_key)


@pytest.mark.parametrize(("theirs", "ours"), PAYMENT_STATUSES.items())
async def test_the_payments_status_counts_and_not_the_intents(double, rail, theirs, ours):
    order = await made(rail)
    await rail.create_payout(order)
    (intent,) = double.made(ORDER.rail_key)
    intent.payment_status = theirs
    intent.status = "posted"

    found = await rail.sync(REFERENCE)

    assert isinstance(found, Found)
    assert found.observation.status is ours


@pytest.mark.promise("G3")
async def test_money_that_came_back_after_it_was_paid_is_told_with_its_reason(double, rail):
    order = await made(rail)
    await rail.create_payout(order)
    await double.move(ORDER.rail_key, ObservedStatus.PAID)
    await double.move(ORDER.rail_key, ObservedStatus.RETURNED)

    found = await rail.sync(REFERENCE)

    assert isinstance(found, Found)
    assert (found.observation.status, found.observation.code) == (
        ObservedStatus.RETURNED,
        ErrorCode.DESTINATION_INVALID,
    )


async def test_a_payout_is_found_on_a_later_page_of_the_list(double, rail):
    order = await made(rail)
    await rail.create_payout(order)
    double.page = 1
    for number in range(2, 6):
        await rail.create_payout(replace(ORDER, ref=AttemptRef(payout_id=UUID(int=8), attempt_no=number)))

    found = await rail.sync(REFERENCE)

    assert isinstance(found, Found)
    assert found.observation.status is ObservedStatus.PENDING


@pytest.mark.parametrize("trouble", [Trouble.LIMITED, Trouble.UNAUTHORIZED, Trouble.FORBIDDEN])
async def test_a_confirmation_that_is_turned_away_speaks_of_the_provider_alone(rail, double, trouble):
    """So that the engine takes it for an answer only where nothing was sent before."""
    order = await made(rail)
    double.troubles[Step.CONFIRM].append(trouble)

    outcome = await rail.create_payout(order)

    assert isinstance(outcome, Rejected)
    assert (outcome.scope, outcome.retryable) == (RejectionScope.PROVIDER, True)
    assert isinstance(await rail.sync(REFERENCE), Absent)


async def test_an_intent_that_is_found_canceled_may_be_followed_by_another(rail, double):
    order = await made(rail)
    double.intents[0].status = "canceled"

    outcome, seen = await rail.create_payout(order), await rail.sync(REFERENCE)

    assert isinstance(outcome, Rejected)
    assert outcome.retryable
    assert isinstance(seen, Found)
    assert (seen.observation.status, seen.observation.retryable) == (ObservedStatus.FAILED, True)
    assert double.asked[Step.CONFIRM] == 0


async def test_a_drift_of_the_rate_is_known_by_its_code_and_cancels_the_intent(rail, double):
    order = await made(rail)
    double.troubles[Step.CONFIRM].append(Trouble.REFUSE_DRIFT)

    outcome = await rail.create_payout(order)

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable) == (ErrorCode.QUOTE_EXPIRED, True)
    assert [one.status for one in double.intents] == ["canceled"]


@pytest.mark.parametrize("trouble", [Trouble.LOSE_REPLY, Trouble.BROKEN_BEFORE, Trouble.LIMITED, Trouble.LATE])
async def test_a_refusal_is_certain_only_once_its_intent_is_canceled(rail, double, trouble):
    order = await made(rail)
    double.troubles[Step.CONFIRM].append(Trouble.REFUSE)
    double.troubles[Step.CANCEL].append(trouble)

    assert isinstance(await rail.create_payout(order), OutcomeUnknown)


async def test_an_orphan_of_the_same_key_never_hides_the_intent_that_paid(rail, double):
    await rail.create_payout(await made(rail))
    paid = double.intents[0]
    await double.advance(25 * 3600)  # Stripe has forgotten the key
    await made(rail)
    double.intents[1].status = "canceled"

    found = await rail.sync(REFERENCE)

    assert isinstance(found, Found)
    assert (found.observation.provider_reference, found.observation.status) == (paid.id, ObservedStatus.PENDING)


@pytest.mark.parametrize(("asset", "exponent", "minor", "value"), [("HUF", 0, 4_000, 400_000), ("ISK", 2, 500, 500)])
async def test_a_whole_currency_is_paid_as_stripe_writes_it(double, asset, exponent, minor, value):
    rail = provider_of(double, source=asset, assets={asset: exponent})
    money = Money(amount_minor=minor, asset=asset)
    order = replace(ORDER, amount=money, fee_ceiling=money)
    progressed = await rail.create_payout(order)
    outcome = await rail.create_payout(replace(order, resume=progressed.resume))
    found = await rail.sync(Reference(ref=ORDER.ref, amount=money))

    await rail.close()
    assert isinstance(outcome, Accepted)
    assert [one.body["amount"] for one in double.intents] == [{"value": value, "currency": asset.lower()}]
    assert found.observation.amount == money


async def test_a_fraction_of_a_whole_currency_is_refused_before_anything_is_asked(double):
    rail = provider_of(double, source="HUF", assets={"HUF": 2})
    outcome = await rail.create_payout(replace(ORDER, amount=Money(amount_minor=1_045, asset="HUF")))

    await rail.close()
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable) == (ErrorCode.AMOUNT_INVALID, False)
    assert not double.asked


async def test_an_intent_that_is_dearer_than_allowed_is_canceled(rail, double):
    outcome = await rail.create_payout(replace(ORDER, fee_ceiling=Money(amount_minor=49, asset="EUR")))

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable) == (ErrorCode.QUOTE_EXPIRED, True)
    assert [(one.status, one.paid) for one in double.intents] == [("canceled", 0)]


async def test_a_refusal_that_is_documented_nowhere_is_unknown(rail, double):
    order = await made(rail)
    double.troubles[Step.CONFIRM].append(Trouble.REFUSE_STRANGELY)

    assert isinstance(await rail.create_payout(order), OutcomeUnknown)
    assert double.asked[Step.CANCEL] == 0
