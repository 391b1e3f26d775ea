"""Wise's words in ours: every documented one, exact amounts, recipients by description, and unknown for everything else."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import AmountInvalid, ConfigInvalid, DestinationInvalid, ErrorCode
from rewardrails.providers.wise import wire
from rewardrails.providers.wise.mapping import (
    ALREADY_FUNDED,
    FUNDING_REFUSALS,
    LEFT_TO_PEOPLE,
    STATUSES,
    UNFUNDED,
    fee_of,
    money_of,
    observation_of,
    refusal_of_data,
    transaction_id,
    whole_of,
)
from rewardrails.providers.wise.recipient import KNOWN_FORMS, Field, Form, recipient_of, refuse_bad_forms

EXPONENTS = {"EUR": 2, "JPY": 0, "KWD": 3}
KEY = "0123456789abcdef0123456789abcdef-1"
# https://docs.wise.com/guides/product/send-money/tracking-transfers
DOCUMENTED = {
    "incoming_payment_waiting",
    "incoming_payment_initiated",
    "processing",
    "funds_converted",
    "outgoing_payment_sent",
    "cancelled",
    "funds_refunded",
    "bounced_back",
    "charged_back",
    "unknown",
}


def a_transfer(status: str = "processing", **changes: object) -> wire.Transfer:
    fields: dict[str, object] = {
        "id": 7,
        "target_account": 3,
        "target_currency": "EUR",
        "target_value": Decimal("12.5"),
        "customer_transaction_id": transaction_id(KEY),
    }
    return wire.Transfer(status=status, **(fields | changes))  # type: ignore[arg-type]


def a_quote(taken: str, rate: str = "1", *, disabled: bool = False, pay_in: str = "BALANCE") -> wire.Quote:
    option = wire.PaymentOption(
        pay_in=pay_in, source_amount=Decimal(taken), target_amount=Decimal("12.5"), disabled=disabled
    )
    return wire.Quote(
        id="q",
        source_currency="USD",
        target_currency="EUR",
        rate=Decimal(rate),
        expiration_time=datetime(2026, 1, 1, tzinfo=UTC),
        payment_options=[option],
    )


AMOUNT = Money(amount_minor=1250, asset="EUR")


def test_every_documented_status_has_its_place() -> None:
    assert {*STATUSES, UNFUNDED, *LEFT_TO_PEOPLE} == DOCUMENTED


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        ("outgoing_payment_sent", ObservedStatus.PAID),
        ("bounced_back", ObservedStatus.RETURNED),
        ("funds_refunded", ObservedStatus.FAILED),
        ("cancelled", ObservedStatus.CANCELED),
        ("charged_back", ObservedStatus.UNKNOWN),
        ("Processing", ObservedStatus.UNKNOWN),
        ("on_the_moon", ObservedStatus.UNKNOWN),
    ],
)
def test_a_transfer_stands_where_its_status_says(status: str, seen: ObservedStatus) -> None:
    told = observation_of(a_transfer(status), KEY, EXPONENTS, Evidence())

    assert told is not None
    assert (told.status, told.amount, told.provider_reference) == (seen, AMOUNT, "7")


@pytest.mark.parametrize(
    "changes",
    [
        {"customer_transaction_id": transaction_id("another-1")},
        {"customer_transaction_id": None},
        {"target_currency": "XXX"},
        {"target_value": Decimal("12.501")},
    ],
)
def test_a_transfer_of_something_else_is_no_statement(changes: dict[str, object]) -> None:
    assert observation_of(a_transfer(**changes), KEY, EXPONENTS, Evidence()) is None


def test_attempts_never_share_a_transaction_id() -> None:
    ids = {transaction_id(f"{payout:032x}-{number}") for payout in range(50) for number in range(1, 50)}

    assert len(ids) == 50 * 49
    # What was ever sent under a key must be found under it for ever.
    assert transaction_id(KEY) == "43d5f900-54f6-5899-8867-a7e2242af5d5"


@pytest.mark.parametrize("asset", EXPONENTS)
@pytest.mark.parametrize("minor", [1, 10, 101, 123_456_789_012_345_678])
def test_amounts_go_out_and_come_back_to_the_last_digit(asset: str, minor: int) -> None:
    money = Money(amount_minor=minor, asset=asset)
    body = wire.NewQuote(source_currency="EUR", target_currency=asset, target_amount=whole_of(money, EXPONENTS))

    raw = wire.ENCODER.encode(body)

    assert b'"targetAmount":' + format(Decimal(minor).scaleb(-EXPONENTS[asset]), "f").encode() in raw
    assert money_of(json.loads(raw, parse_float=Decimal, parse_int=Decimal)["targetAmount"], asset, EXPONENTS) == money


@pytest.mark.parametrize("value", ["1.001", "-1", "NaN", "Infinity", "1e999999", "1e25"])
def test_an_amount_that_cannot_be_is_refused(value: str) -> None:
    with pytest.raises(AmountInvalid):
        money_of(Decimal(value), "EUR", EXPONENTS)


@pytest.mark.parametrize(
    ("taken", "rate", "minor"),
    [("12.50", "1", 0), ("12.56", "1", 6), ("14.21", "0.8999", 29), ("13.0000000000000000001", "1", 51)],
)
def test_a_fee_is_what_is_taken_beyond_the_amount_at_the_locked_rate_rounded_up(
    taken: str, rate: str, minor: int
) -> None:
    assert fee_of(a_quote(taken, rate), AMOUNT, EXPONENTS) == Money(amount_minor=minor, asset="EUR")


@pytest.mark.parametrize(
    "quote",
    [
        a_quote("12", "1"),
        a_quote("13", "1", disabled=True),
        a_quote("13", "1", pay_in="BANK_TRANSFER"),
        a_quote("NaN", "1"),
        a_quote("13", "1e99"),
    ],
)
def test_a_quote_that_cannot_be_used_is_refused(quote: wire.Quote) -> None:
    with pytest.raises(AmountInvalid):
        fee_of(quote, AMOUNT, EXPONENTS)


@pytest.mark.parametrize(
    ("status", "paths", "code"),
    [
        (422, ["targetAmount"], ErrorCode.AMOUNT_INVALID),
        (400, ["details.IBAN"], ErrorCode.DESTINATION_INVALID),
        (422, ["details.IBAN", "details.legalType"], ErrorCode.DESTINATION_INVALID),
        (422, ["details.IBAN", "targetAmount"], ErrorCode.PROVIDER_REJECTED),
        (422, ["quoteUuid"], ErrorCode.QUOTE_EXPIRED),
        (422, ["moon"], ErrorCode.PROVIDER_REJECTED),
        (422, [], None),
        (404, ["targetAmount"], None),
    ],
)
def test_a_refusal_names_the_field_at_fault(status: int, paths: list[str], code: ErrorCode | None) -> None:
    answer = wire.ErrorReply(errors=[wire.Fault(code="NOT_VALID", path=path) for path in paths])

    refusal = refusal_of_data(status, answer)

    assert (refusal.code if refusal else None) is code


def test_an_empty_balance_speaks_of_the_provider_and_paid_already_is_no_refusal() -> None:
    refusal = FUNDING_REFUSALS["transfer.insufficient_funds"]

    assert (refusal.code, refusal.scope) == (ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, RejectionScope.PROVIDER)
    assert not ALREADY_FUNDED & set(FUNDING_REFUSALS)


def recipient(value: str, currency: str, memo: str = "Ann Sparrow") -> wire.NewRecipient:
    destination = Destination(kind="bank", value=value, memo=memo)
    return recipient_of(destination, FORMS[currency], currency=currency, profile=9)


FORMS = {
    **KNOWN_FORMS,
    "USD": Form(
        type="aba",
        fields=(
            Field(key="legalType", value="PRIVATE"),
            Field(key="abartn", validation_regexp=r"\d{9}"),
            Field(key="accountType", values_allowed=("CHECKING", "SAVINGS")),
            Field(key="address.country", min_length=2, max_length=2),
            Field(key="address.state", required=False),
        ),
    ),
}


def test_a_destination_becomes_what_wise_asks_for_in_its_currency() -> None:
    assert recipient("DE89370400440532013000", "EUR").details == {
        "legalType": "PRIVATE",
        "IBAN": "DE89370400440532013000",
    }
    pounds = recipient("sortCode=231470; accountNumber=28821822; accountHolderName=Bo Finch", "GBP", memo="")
    assert (pounds.type, pounds.account_holder_name, pounds.profile) == ("sort_code", "Bo Finch", 9)
    dollars = recipient("abartn=111000025; accountType=CHECKING; address.country=US", "USD")
    assert dollars.details["address"] == {"country": "US"}


@pytest.mark.parametrize(
    ("value", "currency", "memo", "field"),
    [
        ("DE89370400440532013000", "EUR", "", "accountHolderName"),
        ("DE89370400440532013000", "EUR", "Ann", "accountHolderName"),
        ("DE89", "EUR", "Ann Sparrow", "IBAN"),
        ("sortCode=231470", "GBP", "Ann Sparrow", "accountNumber"),
        ("sortCode=23-14-70; accountNumber=28821822", "GBP", "Ann Sparrow", "sortCode"),
        ("231470", "GBP", "Ann Sparrow", "destination"),
        ("sortCode=1; sortCode=2", "GBP", "Ann Sparrow", "destination"),
        ("abartn=111000025; accountType=GOLD; address.country=US", "USD", "Ann Sparrow", "accountType"),
        ("abartn=111000025; accountType=SAVINGS", "USD", "Ann Sparrow", "address.country"),
        ("abartn=111000025; accountType=SAVINGS; address.country=US; iban=1", "USD", "Ann Sparrow", "destination"),
        ("abartn=111000025; accountType=SAVINGS; address.country=US; legalType=X", "USD", "Ann S", "destination"),
    ],
)
def test_a_destination_that_wise_would_not_take_names_its_field(
    value: str, currency: str, memo: str, field: str
) -> None:
    with pytest.raises(DestinationInvalid) as refused:
        recipient(value, currency, memo)

    assert refused.value.field == field
    assert "Sparrow" not in refused.value.message
    assert "28821822" not in refused.value.message


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (Field(key="a", value="fixed"),),
        (Field(key="a"), Field(key="a")),
        (Field(key="a", validation_regexp="("),),
        (Field(key="a.b.c"),),
    ],
)
def test_a_description_that_nobody_could_fill_stops_the_start(fields: tuple[Field, ...]) -> None:
    with pytest.raises(ConfigInvalid, match=r"recipients\.EUR"):
        refuse_bad_forms({"EUR": Form(type="x", fields=fields)}, provider="banks")
