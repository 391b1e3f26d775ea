"""Stripe's words in ours: every one that its client lists, exact amounts and fees, and unknown for everything else."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from inspect import getsource

import msgspec
import pytest
from stripe._api_requestor import _APIRequestor
from stripe.v2.money_management import OutboundPayment, PayoutIntent

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import AmountInvalid, ErrorCode
from rewardrails.providers.stripe import wire
from rewardrails.providers.stripe.check import NEEDED_EVENTS
from rewardrails.providers.stripe.currencies import (
    THREE_DECIMAL,
    WHOLE_ONLY,
    ZERO_DECIMAL,
    amount_of,
    can_be_counted,
    held_of,
    least_of,
    money_of,
)
from rewardrails.providers.stripe.mapping import (
    ALREADY_CANCELED,
    INTENT_STATUSES,
    KEY_CONFLICT,
    NOT_CANCELABLE,
    PAYMENT_STATUSES,
    REASONS,
    REFUSALS,
    REQUIRES_ACTION,
    fee_of,
    observation_of,
)
from rewardrails.providers.stripe.wire import Amount
from tests.vendors.stripe.test_client import literals

KEY = "00000000000070008000000000000000-1"
ASSETS = {"EUR": 2, "USD": 2, "JPY": 0, "HUF": 2, "TWD": 2, "ISK": 0, "UGX": 0, "KWD": 3}
# https://docs.stripe.com/api/v2/money-management/payout-intents/confirm and .../cancel
DOCUMENTED_CODES = {
    "invalid_outbound_flow",
    "payout_intent_fx_quote_expired",
    "payout_intent_large_rate_drift",
    "payout_intent_not_confirmable",
    "payout_intent_not_cancelable",
}
ERROR_TYPES = set(re.findall(r'type == "([a-z_]+)"', getsource(_APIRequestor.specific_v2_api_error)))


def words_of(kind: type, name: str) -> frozenset[str]:
    return literals(kind.__annotations__[name])


def an_intent(status: str = "processing", **changes: object) -> wire.Intent:
    fields: dict[str, object] = {
        "id": "pi_1",
        "amount": Amount(value=1250, currency="eur"),
        "to": wire.Target(recipient="acct_1"),
        "livemode": False,
        "metadata": {"rewardrails_key": KEY},
        "estimated_fees": [],
    }
    return wire.Intent(status=status, **(fields | changes))  # type: ignore[arg-type]


def a_payment(status: str, **changes: object) -> wire.Payment:
    fields: dict[str, object] = {
        "id": "obp_1",
        "amount": Amount(value=1250, currency="eur"),
        "payout_intent": "pi_1",
    }
    return wire.Payment(status=status, **(fields | changes))  # type: ignore[arg-type]


SENT = wire.LatestPayout(type="outbound_payment", outbound_payment="obp_1")


def told(intent: wire.Intent, payment: wire.Payment | None = None) -> tuple[ObservedStatus, bool]:
    seen = observation_of(intent, payment, KEY, ASSETS, Evidence())
    assert seen is not None
    return seen.status, seen.retryable


def test_every_status_that_the_client_lists_has_its_place() -> None:
    assert set(PAYMENT_STATUSES) == words_of(OutboundPayment, "status")
    # `posted` is told by the payment alone, `requires_action` by what is to be done.
    assert {*INTENT_STATUSES, REQUIRES_ACTION, "posted"} == words_of(PayoutIntent, "status")


def test_every_reason_that_the_client_lists_has_its_place() -> None:
    details = OutboundPayment.StatusDetails
    listed = words_of(details.Failed, "reason") | words_of(details.Returned, "reason")

    assert set(REASONS) == listed | words_of(PayoutIntent.NextAction.HandleFailure, "failure_reason")


def test_every_refusal_is_one_that_the_client_or_the_documents_name() -> None:
    doubtful = {KEY_CONFLICT, ALREADY_CANCELED, *NOT_CANCELABLE, "payout_intent_not_confirmable"}

    assert set(REFUSALS) <= ERROR_TYPES | DOCUMENTED_CODES
    assert doubtful <= ERROR_TYPES | DOCUMENTED_CODES
    assert not doubtful & set(REFUSALS)


def test_every_event_that_is_needed_is_one_that_the_client_knows() -> None:
    from stripe.events._event_classes import get_v2_event_class  # noqa: PLC0415 - its own table of names

    assert all(get_v2_event_class(name).__name__ != "UnknownEvent" for name in NEEDED_EVENTS)


@pytest.mark.parametrize("status", ["on_the_moon", "Posted", "posted ", ""])
def test_a_payment_of_another_status_is_unknown(status: str) -> None:
    assert told(an_intent("posted", latest_payout=SENT), a_payment(status))[0] is ObservedStatus.UNKNOWN


@pytest.mark.parametrize(
    ("intent", "status", "retryable"),
    [
        (an_intent("pending"), ObservedStatus.PENDING, False),
        (an_intent("processing"), ObservedStatus.PENDING, False),
        (an_intent("posted"), ObservedStatus.UNKNOWN, False),
        (an_intent("on_the_moon"), ObservedStatus.UNKNOWN, False),
        (an_intent("requires_action"), ObservedStatus.UNKNOWN, False),
        (an_intent("canceled"), ObservedStatus.FAILED, True),
        (an_intent("canceled", latest_payout=SENT), ObservedStatus.UNKNOWN, False),
        (an_intent("posted", latest_payout=wire.LatestPayout(type="outbound_transfer")), ObservedStatus.UNKNOWN, False),
    ],
)
def test_an_intent_alone_is_never_paid(intent: wire.Intent, status: ObservedStatus, retryable: bool) -> None:
    assert told(intent) == (status, retryable)


@pytest.mark.parametrize(
    "payment",
    [
        a_payment("posted", payout_intent="pi_2"),
        a_payment("posted", payout_intent=None),
        a_payment("posted", amount=Amount(value=1251, currency="eur")),
        a_payment("posted", amount=Amount(value=1250, currency="usd")),
    ],
)
def test_a_payment_of_something_else_is_no_statement(payment: wire.Payment) -> None:
    assert observation_of(an_intent(latest_payout=SENT), payment, KEY, ASSETS, Evidence()) is None


def test_an_empty_account_speaks_of_the_provider() -> None:
    refusal = REFUSALS["insufficient_funds"]

    assert (refusal.code, refusal.scope) == (ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, RejectionScope.PROVIDER)


@pytest.mark.parametrize(
    ("asset", "exponent", "minor", "value"),
    [
        ("EUR", 2, 1, 1),
        ("EUR", 2, 10**17 + 1, 10**17 + 1),
        ("JPY", 0, 500, 500),
        ("HUF", 2, 100_000, 100_000),
        ("HUF", 0, 1_000, 100_000),
        ("TWD", 2, 80_000, 80_000),
        ("TWD", 0, 800, 80_000),
        ("ISK", 0, 5, 500),
        ("ISK", 2, 500, 500),
        ("UGX", 0, 5, 500),
        ("UGX", 0, 10**16 + 1, 10**18 + 100),
        ("KWD", 3, 5_120, 5_120),
    ],
)
def test_an_amount_goes_out_and_comes_back_to_the_last_digit(asset: str, exponent: int, minor: int, value: int) -> None:
    money = Money(amount_minor=minor, asset=asset)

    raw = wire.ENCODER.encode(amount_of(money, {asset: exponent}))

    assert raw == b'{"value":%d,"currency":"%s"}' % (value, asset.lower().encode())
    back = json.loads(raw, parse_float=Decimal)
    assert money_of(Amount(**back), {asset: exponent}) == money


@pytest.mark.parametrize(
    ("asset", "exponent", "minor"),
    [
        ("HUF", 2, 1_045),
        ("TWD", 2, 80_045),
        ("ISK", 2, 501),
        ("UGX", 2, 99),
        ("KWD", 3, 5_124),
        ("HUF", 1, 10),
        ("JPY", 2, 100),
        ("KWD", 2, 100),
        ("EUR", 0, 1),
        ("EUR", 3, 10),
    ],
)
def test_an_amount_that_stripe_would_not_pay_is_refused_before_it_is_sent(
    asset: str, exponent: int, minor: int
) -> None:
    with pytest.raises(AmountInvalid):
        amount_of(Money(amount_minor=minor, asset=asset), {asset: exponent})


@pytest.mark.parametrize(
    ("value", "currency"), [(1_050, "isk"), (-1, "eur"), (1, "xxx"), (1, "usdd")], ids=["half", "less", "other", "odd"]
)
def test_an_amount_that_cannot_be_is_refused(value: int, currency: str) -> None:
    with pytest.raises(AmountInvalid):
        money_of(Amount(value=value, currency=currency), ASSETS)


def test_a_balance_is_rounded_down() -> None:
    assert held_of(Amount(value=1_050, currency="isk"), ASSETS) == Money(amount_minor=10, asset="ISK")


@pytest.mark.parametrize("asset", sorted(ZERO_DECIMAL | THREE_DECIMAL | WHOLE_ONLY | {"EUR"}))
@pytest.mark.parametrize("exponent", range(5))
def test_the_least_amount_that_is_declared_can_be_sent(asset: str, exponent: int) -> None:
    if can_be_counted(asset, exponent):
        assert amount_of(Money(amount_minor=least_of(asset, exponent), asset=asset), {asset: exponent}).value > 0


def with_fee(value: int, currency: str, asset: str, wanted: int, rate: str = "1", **changes: object) -> wire.Intent:
    quote = wire.FxQuote(
        to_currency=asset.lower(), rates={currency: wire.Rate(exchange_rate=rate)}, lock_status="active"
    )
    amount = amount_of(Money(amount_minor=wanted, asset=asset), ASSETS)
    fees = [wire.Fee(amount=Amount(value=value, currency=currency))]
    return an_intent(**({"amount": amount, "estimated_fees": fees, "fx_quote": quote} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "currency", "asset", "rate", "minor"),
    [
        (50, "eur", "EUR", "1", 50),
        (50, "usd", "EUR", "0.92345", 47),
        (50, "usd", "JPY", "151.2", 76),
        (150, "jpy", "EUR", "0.0061", 92),
        (100, "eur", "HUF", "401.5", 40_150),
        (100, "eur", "ISK", "149.31", 150),
        (1, "eur", "UGX", "4300.000000000000000001", 44),
        (50, "isk", "ISK", "1", 1),
        (1, "eur", "KWD", "0.33", 4),
    ],
)
def test_a_fee_is_told_in_the_asset_that_arrives_rounded_up(
    value: int, currency: str, asset: str, rate: str, minor: int
) -> None:
    intent = with_fee(value, currency, asset, 10_000, rate)

    assert fee_of(intent, Money(amount_minor=10_000, asset=asset), ASSETS) == Money(amount_minor=minor, asset=asset)


@pytest.mark.parametrize(("tax", "minor"), [("0.10", 60), ("0.1001", 61), ("0", 50)])
def test_a_tax_on_a_fee_is_part_of_it(tax: str, minor: int) -> None:
    taxed = [wire.Fee(amount=Amount(value=50, currency="eur"), tax_amount=wire.Tax(currency="eur", value_decimal=tax))]
    intent = with_fee(50, "eur", "EUR", 10_000, estimated_fees=taxed)

    assert fee_of(intent, Money(amount_minor=10_000, asset="EUR"), ASSETS).amount_minor == minor


@pytest.mark.parametrize(
    "intent",
    [
        with_fee(50, "usd", "EUR", 10_000, rate="0"),
        with_fee(50, "usd", "EUR", 10_000, rate="NaN"),
        with_fee(50, "usd", "EUR", 10_000, rate="-1"),
        with_fee(50, "usd", "EUR", 10_000, rate="1e99"),
        with_fee(50, "usd", "EUR", 10_000, fx_quote=None),
        with_fee(-1, "eur", "EUR", 10_000),
        with_fee(50, "eur", "EUR", 10_001),
        with_fee(50, "eur", "EUR", 10_000, estimated_fees=None),
    ],
)
def test_fees_that_cannot_be_told_are_refused(intent: wire.Intent) -> None:
    with pytest.raises(AmountInvalid):
        fee_of(intent, Money(amount_minor=10_000, asset="EUR"), ASSETS)


@pytest.mark.parametrize("value", [b"12.5", b"1250.0", b"1e3", b'"1250"', b"null", b"9223372036854775808"])
def test_an_amount_that_is_no_whole_number_is_not_read(value: bytes) -> None:
    listed = (
        b'{"data":[{"id":"o","status":"posted","created":"%s","from":{},"amount":{"value":%s,"currency":"eur"}}],'
        b'"next_page_url":null}'
    )
    raw = listed % (datetime(2026, 1, 1, tzinfo=UTC).isoformat().encode(), value)

    with pytest.raises(msgspec.ValidationError):
        wire.PAYMENTS.decode(raw)
