"""The adapter's steps against the double, one at a time: what is refused before money moves, and what is never done twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rewardrails import ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, CannotTell, Found, ObservedStatus
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import (
    Accepted,
    Canceled,
    CreateOutcome,
    NotCancelable,
    OutcomeUnknown,
    Progressed,
    Rejected,
    RejectionScope,
    Settled,
)
from rewardrails.domain.quote import QuoteRequest
from rewardrails.errors import DestinationInvalid, ErrorCode, RewardRailsError
from rewardrails.providers.base import Reference
from rewardrails.providers.wise.provider import WiseProvider
from tests.vendors.wise.double import Step, Trouble, WiseDouble
from tests.vendors.wise.stage import provider_of

pytestmark = pytest.mark.promise("G1")
ADDRESS = Destination(kind="bank", value="DE89370400440532013000", memo="Ann Sparrow")


@pytest.fixture
async def double() -> AsyncIterator[WiseDouble]:
    async with WiseDouble() as opened:
        yield opened


@pytest.fixture
async def provider(double: WiseDouble) -> AsyncIterator[WiseProvider]:
    made = provider_of(double, recipients={})
    yield made
    await made.close()


def an_order(*, minor: int = 2_000, destination: Destination = ADDRESS, ceiling: int = 100) -> Order:
    return Order(
        ref=AttemptRef(payout_id=ids.new_id(), attempt_no=1),
        amount=Money(amount_minor=minor, asset="EUR"),
        destination=destination,
        player_id="player",
        campaign="season",
        jurisdiction="DE",
        fee_ceiling=Money(amount_minor=ceiling, asset="EUR"),
    )


def asked(order: Order, provider_reference: str = "") -> Reference:
    return Reference(ref=order.ref, provider_reference=provider_reference, amount=order.amount)


async def send(provider: WiseProvider, order: Order, *, steps: int = 8) -> tuple[CreateOutcome, Order]:
    """So many steps at most; answers the order as it is remembered after them."""
    outcome: CreateOutcome = OutcomeUnknown()
    for _ in range(steps):
        outcome = await provider.create_payout(order)
        if not isinstance(outcome, Progressed):
            break
        order = replace(order, resume=outcome.resume)
    return outcome, order


async def test_what_is_remembered_holds_nothing_of_the_player(provider: WiseProvider) -> None:
    _, remembered = await send(provider, an_order())

    assert remembered.resume is not None
    assert b"Sparrow" not in remembered.resume
    assert b"DE89" not in remembered.resume


async def test_a_fee_above_the_ceiling_is_refused_before_anything_is_made(
    provider: WiseProvider, double: WiseDouble
) -> None:
    outcome, _ = await send(provider, an_order(ceiling=9))

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.scope) == (ErrorCode.QUOTE_EXPIRED, RejectionScope.PAYOUT)
    assert (double.asked[Step.RECIPIENT], double.transfers) == (0, [])


@pytest.mark.parametrize("step", [Step.QUOTE, Step.RECIPIENT])
@pytest.mark.parametrize(
    "trouble", [Trouble.LOSE_REPLY, Trouble.BROKEN_BEFORE, Trouble.BROKEN_AFTER, Trouble.REFUSE_STRANGELY]
)
async def test_what_is_lost_before_there_is_a_transfer_is_certainly_not_paid(
    provider: WiseProvider, double: WiseDouble, step: Step, trouble: Trouble
) -> None:
    double.troubles[step].append(trouble)

    outcome, _ = await send(provider, an_order())

    assert isinstance(outcome, Rejected)
    assert (outcome.scope, outcome.retryable) == (RejectionScope.PROVIDER, True)
    assert double.transfers == []


@pytest.mark.parametrize("trouble", [Trouble.LOSE_REPLY, Trouble.BROKEN_AFTER])
async def test_a_transfer_whose_answer_was_lost_is_found_unpaid_and_gone_on_with(
    provider: WiseProvider, double: WiseDouble, trouble: Trouble
) -> None:
    order = an_order()
    double.troubles[Step.TRANSFER].append(trouble)
    outcome, remembered = await send(provider, order)
    assert isinstance(outcome, OutcomeUnknown)

    assert isinstance(await provider.sync(asked(order)), Absent)
    again, _ = await send(provider, remembered)

    assert isinstance(again, Accepted)
    assert [made.paid_for for made in double.transfers] == [1]
    assert double.asked[Step.QUOTE] == 1


async def test_a_transfer_that_is_paid_for_is_never_paid_for_again(provider: WiseProvider, double: WiseDouble) -> None:
    order = an_order()
    first, remembered = await send(provider, order)
    second, _ = await send(provider, remembered)
    double.transfers[0].status = "outgoing_payment_sent"
    third, _ = await send(provider, remembered)

    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert isinstance(third, Settled)
    assert third.fee == Money(amount_minor=10, asset="EUR")
    assert double.asked[Step.PAYMENT] == 1


async def test_the_balance_may_keep_silent_and_the_payment_decides(provider: WiseProvider, double: WiseDouble) -> None:
    double.source_currency = "CHF"
    refused, _ = await send(provider, an_order())
    assert isinstance(refused, Rejected)
    assert refused.code is ErrorCode.INSUFFICIENT_PROVIDER_FUNDS

    double.tells_balance = False
    outcome, _ = await send(provider, an_order())

    assert isinstance(outcome, Accepted)


async def test_a_transfer_is_found_among_many_pages_and_absence_needs_them_all(
    provider: WiseProvider, double: WiseDouble
) -> None:
    order = an_order()
    await send(provider, order)
    for _ in range(220):
        double.transfers.append(
            replace(double.transfers[0], number=len(double.transfers) + 1, body=dict(double.transfers[0].body))
        )
        double.transfers[-1].body["customerTransactionId"] = str(ids.new_id())

    found = await provider.sync(asked(order))
    missing = await provider.sync(asked(an_order()))

    assert isinstance(found, Found)
    assert found.observation.status is ObservedStatus.PENDING
    assert isinstance(missing, Absent)


async def test_another_s_transfer_is_no_answer(provider: WiseProvider, double: WiseDouble) -> None:
    await send(provider, an_order())

    assert isinstance(await provider.sync(asked(an_order(), str(double.transfers[0].number))), CannotTell)
    assert isinstance(await provider.cancel(asked(an_order(), str(double.transfers[0].number))), NotCancelable)
    assert double.transfers[0].status == "processing"


async def test_a_transfer_to_somebody_else_under_our_key_is_a_conflict(
    provider: WiseProvider, double: WiseDouble
) -> None:
    order = an_order()
    _, _ = await send(provider, order, steps=3)
    stranger = replace(order, destination=replace(ADDRESS, memo="Bo Finch"))

    outcome, _ = await send(provider, stranger)

    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.code is ErrorCode.DUPLICATE_CONFLICT
    assert [made.paid_for for made in double.transfers] == [0]


async def test_a_transfer_of_another_amount_under_our_key_is_a_conflict(provider: WiseProvider) -> None:
    order = an_order()
    await send(provider, order)

    outcome, _ = await send(provider, replace(order, amount=Money(amount_minor=2_001, asset="EUR")))

    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.code is ErrorCode.DUPLICATE_CONFLICT


async def test_whoever_pays_second_hears_that_it_is_paid_for(provider: WiseProvider, double: WiseDouble) -> None:
    _, remembered = await send(provider, an_order(), steps=3)

    outcomes = await asyncio.gather(*(provider.create_payout(remembered) for _ in range(2)))

    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted]
    assert double.asked[Step.PAYMENT] == 2
    assert [made.paid_for for made in double.transfers] == [1]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "COMPLETED", "errorCode": "transfer.insufficient_funds"},
        {"status": "PENDING", "errorCode": "transfer.insufficient_funds"},
        {"status": "PENDING", "errorCode": None},
        {"status": "REJECTED", "errorCode": None},
        {"status": "REJECTED", "errorCode": "moon.in-the-way"},
        {"status": "completed", "errorCode": None},
    ],
)
async def test_an_answer_to_a_payment_that_contradicts_itself_is_unknown(
    provider: WiseProvider, double: WiseDouble, answer: dict[str, object]
) -> None:
    double.payment_answer = answer

    outcome, _ = await send(provider, an_order())

    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.provider_reference == str(double.transfers[0].number)


async def test_cancel_is_certain_until_the_money_is_converted(provider: WiseProvider, double: WiseDouble) -> None:
    early, late = an_order(), an_order()
    await send(provider, early)
    await send(provider, late)
    double.transfers[1].status = "funds_converted"

    assert isinstance(await provider.cancel(asked(early)), Canceled)
    assert isinstance(await provider.cancel(asked(late)), NotCancelable)


async def test_a_quote_names_the_field_at_fault_and_refuses_fees_that_nobody_allowed(double: WiseDouble) -> None:
    provider = provider_of(double, recipients={})
    stingy = provider_of(double, recipients={}, source_currency="USD")
    double.rate = type(double.rate)("0.5")
    double.source_currency = "USD"
    wanted = QuoteRequest(
        amount=Money(amount_minor=2_000, asset="EUR"), destination=ADDRESS, player_id="p", jurisdiction="DE"
    )
    try:
        with pytest.raises(DestinationInvalid) as refused:
            await provider.quote(replace(wanted, destination=replace(ADDRESS, value="DE89")))
        assert refused.value.field == "IBAN"
        with pytest.raises(DestinationInvalid) as unsupported:
            await provider.quote(replace(wanted, amount=Money(amount_minor=1, asset="XXX")))
        assert unsupported.value.code is ErrorCode.DESTINATION_UNSUPPORTED
        quoted = await stingy.quote(wanted)
        assert (quoted.fee.amount_minor, quoted.total.amount_minor) == (5, 2_005)
        double.fee_share = 2
        with pytest.raises(RewardRailsError, match="raise providers"):
            await stingy.quote(wanted)
    finally:
        await provider.close()
        await stingy.close()
