"""PayPal's words in ours: every documented one, exact amounts, and unknown for everything else."""

import json

import msgspec
import pytest

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import AmountInvalid, ErrorCode
from rewardrails.providers.paypal import wire
from rewardrails.providers.paypal.mapping import (
    amount_of,
    duplicate_of,
    money_of,
    observation_of_batch,
    observation_of_item,
    refusal_of,
    status_of,
)
from rewardrails.providers.paypal.settings import CURRENCIES
from rewardrails.providers.paypal.words import BATCH_STATUSES, ITEM_ERRORS, ITEM_STATUSES, NOT_REFUSALS, REFUSALS
from tests.vendors.paypal.account import provider_of
from tests.vendors.paypal.double import MAGIC, PayPalDouble
from tests.vendors.paypal.judge import DESCRIPTION

EXPONENTS = {"USD": 2, "JPY": 0, "TND": 3}
SCHEMAS = json.loads(DESCRIPTION.read_text())["components"]["schemas"]


def an_item(status: str = "SUCCESS", *, error: str = "", fee: str = "", value: str = "12.50") -> wire.Item:
    return wire.Item(
        payout_item_id="I1",
        payout_batch_id="B1",
        transaction_status=status,
        payout_item=wire.Sent(amount=wire.Amount(currency="USD", value=value), receiver="a@example.org"),
        payout_item_fee=wire.Amount(currency=fee, value="0.31") if fee else None,
        errors=wire.Fault(name=error) if error else None,
    )


def a_problem(name: str, *fields: str, href: str = "") -> wire.Problem:
    link = [wire.Link(href=href)] if href else []
    return wire.Problem(name=name, details=[wire.Detail(field=field, link=link) for field in fields])


def test_every_status_of_paypal_s_description_is_in_the_tables() -> None:
    assert set(SCHEMAS["transaction_enum"]["enum"]) == set(ITEM_STATUSES)
    assert set(SCHEMAS["batch_enum"]["enum"]) == {*BATCH_STATUSES, "SUCCESS"}


def test_every_refusal_of_the_sandbox_is_in_one_table_and_not_in_both() -> None:
    assert {name for _, name in MAGIC.values()} <= {*REFUSALS, *NOT_REFUSALS}
    assert not set(REFUSALS) & set(NOT_REFUSALS)


@pytest.mark.parametrize(
    ("batch", "item", "status"),
    [
        ("PENDING", None, ObservedStatus.PENDING),
        ("DENIED", None, ObservedStatus.FAILED),
        ("SUCCESS", None, ObservedStatus.UNKNOWN),
        ("SUCCESS", an_item(), ObservedStatus.PAID),
        ("SUCCESS", an_item("FAILED"), ObservedStatus.FAILED),
        ("SUCCESS", an_item("BLOCKED"), ObservedStatus.PENDING),
        ("SUCCESS", an_item("UNCLAIMED"), ObservedStatus.PENDING),
        ("SUCCESS", an_item("RETURNED"), ObservedStatus.RETURNED),
        ("CANCELED", an_item("RETURNED"), ObservedStatus.CANCELED),
        ("SUCCESS", an_item("REVERSED"), ObservedStatus.RETURNED),
        ("SUCCESS", an_item("FAILED", error="DUPLICATE_ITEM"), ObservedStatus.UNKNOWN),
        ("SUCCESS", an_item("success"), ObservedStatus.UNKNOWN),
        ("SUCCESS", an_item("TELEPORTED"), ObservedStatus.UNKNOWN),
        ("PENDING", an_item(""), ObservedStatus.PENDING),
        ("ACKNOWLEDGED", None, ObservedStatus.UNKNOWN),
    ],
)
def test_a_batch_stands_where_its_item_stands(batch: str, item: wire.Item | None, status: ObservedStatus) -> None:
    assert status_of(batch, item) is status


@pytest.mark.parametrize(("error", "code"), [*ITEM_ERRORS.items(), ("NEW_ONE", ErrorCode.PROVIDER_REJECTED)])
def test_a_failed_item_says_why(error: str, code: ErrorCode) -> None:
    seen = observation_of_item(an_item("FAILED", error=error), EXPONENTS, Evidence())

    assert error == "DUPLICATE_ITEM" or seen.code is code


def test_a_paid_item_has_no_fault() -> None:
    assert observation_of_item(an_item(error="RECEIVER_UNREGISTERED"), EXPONENTS, Evidence()).code is None


@pytest.mark.parametrize("asset", EXPONENTS)
@pytest.mark.parametrize("minor", [1, 10, 101, 123_456_789_012_345_678])
def test_amounts_go_out_and_come_back_to_the_last_digit(asset: str, minor: int) -> None:
    money = Money(amount_minor=minor, asset=asset)

    raw = wire.ENCODER.encode(amount_of(money, EXPONENTS))

    assert b'"value":"' in raw
    assert money_of(msgspec.json.decode(raw, type=wire.Amount), EXPONENTS) == money


@pytest.mark.parametrize("value", ["1.001", "-1", "NaN", "Infinity", "1e3", "10,5", "", " 1", "1" * 25, "\uff11"])
def test_an_amount_that_cannot_be_is_refused(value: str) -> None:
    raw = json.dumps({"currency": "USD", "value": value}).encode()

    with pytest.raises((AmountInvalid, msgspec.ValidationError)):
        money_of(msgspec.json.decode(raw, type=wire.Amount), EXPONENTS)


def test_a_batch_of_two_says_nothing_about_one_payout() -> None:
    header = wire.BatchHeader(payout_batch_id="B1", batch_status="SUCCESS", sender_batch_header=wire.SenderHeader())

    with pytest.raises(AmountInvalid):
        observation_of_batch(wire.BatchReply(batch_header=header, items=[an_item(), an_item()]), EXPONENTS, Evidence())


def test_a_fee_is_booked_in_the_payout_s_own_currency_only() -> None:
    def fee_in(currency: str) -> Money | None:
        return observation_of_item(an_item(fee=currency), EXPONENTS, Evidence()).fee

    assert fee_in("USD") == Money(amount_minor=31, asset="USD")
    assert fee_in("EUR") is None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (("items[0].receiver",), ErrorCode.DESTINATION_INVALID),
        (("/items/0/receiver",), ErrorCode.DESTINATION_INVALID),
        (("items[0].amount.value",), ErrorCode.AMOUNT_INVALID),
        (("/items/0/amount/currency",), ErrorCode.ASSET_UNSUPPORTED),
        (("items[0].receiver", "items[0].amount.value"), ErrorCode.PROVIDER_REJECTED),
        (("items[0].receiver", "items[0].note"), ErrorCode.PROVIDER_REJECTED),
        ((), ErrorCode.PROVIDER_REJECTED),
    ],
)
def test_a_validation_error_names_the_field_at_fault(fields: tuple[str, ...], code: ErrorCode) -> None:
    refusal = refusal_of(400, a_problem("VALIDATION_ERROR", *fields))

    assert refusal is not None
    assert (refusal.code, refusal.scope) == (code, RejectionScope.PAYOUT)


@pytest.mark.parametrize(("status", "name"), [(500, "SENDER_LOCKED"), (404, "INSUFFICIENT_FUNDS"), (403, "NEW_ONE")])
def test_a_refusal_that_is_not_documented_is_none(status: int, name: str) -> None:
    assert refusal_of(status, a_problem(name)) is None
    assert refusal_of(403, None) is None


@pytest.mark.parametrize(
    ("status", "problem", "found"),
    [
        (
            400,
            a_problem("USER_BUSINESS_ERROR", "SENDER_BATCH_ID", href="https://x/v1/payments/payouts/ABC123"),
            "ABC123",
        ),
        (400, a_problem("USER_BUSINESS_ERROR", "SENDER_BATCH_ID"), ""),
        (400, a_problem("USER_BUSINESS_ERROR", "SENDER_BATCH_ID", href="https://x/v1/payments/payouts/../a"), ""),
        (400, a_problem("USER_BUSINESS_ERROR", "receiver"), None),
        (500, a_problem("USER_BUSINESS_ERROR", "SENDER_BATCH_ID"), None),
        (400, a_problem("VALIDATION_ERROR", "SENDER_BATCH_ID"), None),
        (400, None, None),
    ],
)
def test_a_duplicate_is_known_by_its_pointer(status: int, problem: wire.Problem | None, found: str | None) -> None:
    assert duplicate_of(status, problem) == found


@pytest.mark.parametrize("code", ["HUF", "JPY", "TWD"])
def test_currencies_that_paypal_takes_whole_only_are_known(code: str) -> None:
    assert CURRENCIES[code] == 0


async def test_a_currency_that_paypal_does_not_hold_is_not_offered() -> None:
    async with PayPalDouble() as double:
        rail = provider_of(double)
        await rail.close()

    assert set(rail.capabilities.assets) == {"EUR", "USD"}
    assert "TON" not in CURRENCIES
