"""Tremendous' words in ours: every documented one, exact amounts, and unknown for everything else."""

from decimal import Decimal

import msgspec
import pytest
from tremendous.models import DeliveryStatus, OrderStatus

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import AmountInvalid, ConfigInvalid, ErrorCode
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.tremendous import wire
from rewardrails.providers.tremendous.mapping import (
    DELIVERY_STATUSES,
    EXECUTED,
    ORDER_STATUSES,
    denomination_of,
    money_of,
    observation_of,
    refusal_of,
    status_of,
)
from rewardrails.providers.tremendous.provider import TremendousProvider
from rewardrails.secrets import Secret

EXPONENTS = {"USD": 2, "JPY": 0, "KWD": 3}


def an_order(status: str = EXECUTED, delivery: str = "SUCCEEDED", **changes: object) -> wire.Order:
    reward = wire.Reward(
        id="R1",
        value=wire.Value(denomination=Decimal("12.5"), currency_code="USD"),
        delivery=wire.Delivery(method="EMAIL", status=delivery),
    )
    fields: dict[str, object] = {"id": "O1", "external_id": "key", "rewards": [reward]} | changes
    return wire.Order(status=status, **fields)  # type: ignore[arg-type]


def test_every_status_that_the_vendor_s_own_client_knows_is_in_the_tables() -> None:
    assert {status.value for status in OrderStatus} == {*ORDER_STATUSES, EXECUTED}
    assert {status.value for status in DeliveryStatus} == set(DELIVERY_STATUSES)


@pytest.mark.parametrize(
    ("order", "status"),
    [
        (an_order(), ObservedStatus.PAID),
        (an_order(delivery="FAILED"), ObservedStatus.PENDING),
        (an_order(delivery="TELEPORTED"), ObservedStatus.UNKNOWN),
        (an_order(rewards=[]), ObservedStatus.UNKNOWN),
        (an_order(status="OPEN"), ObservedStatus.PENDING),
        (an_order(status="CANCELED"), ObservedStatus.CANCELED),
        (an_order(status="executed"), ObservedStatus.UNKNOWN),
        (an_order(status=""), ObservedStatus.UNKNOWN),
    ],
)
def test_an_order_stands_where_its_delivery_stands(order: wire.Order, status: ObservedStatus) -> None:
    assert status_of(order) is status


@pytest.mark.parametrize("asset", EXPONENTS)
@pytest.mark.parametrize("minor", [1, 10, 101, 123_456_789_012_345_678])
def test_amounts_go_out_and_come_back_to_the_last_digit(asset: str, minor: int) -> None:
    money = Money(amount_minor=minor, asset=asset)

    raw = wire.ENCODER.encode(denomination_of(money, EXPONENTS))

    assert raw.startswith(b'{"denomination":' + format(Decimal(minor).scaleb(-EXPONENTS[asset]), "f").encode())
    assert money_of(msgspec.json.decode(raw, type=wire.Value), EXPONENTS) == money


@pytest.mark.parametrize("denomination", ["1.001", "-1", "NaN", "Infinity", "1e999999", "1e25"])
def test_an_amount_that_cannot_be_is_refused(denomination: str) -> None:
    with pytest.raises(AmountInvalid):
        money_of(wire.Value(denomination=Decimal(denomination), currency_code="USD"), EXPONENTS)


def test_a_currency_that_is_not_configured_is_refused() -> None:
    with pytest.raises(AmountInvalid):
        money_of(wire.Value(denomination=Decimal(1), currency_code="XXX"), EXPONENTS)


def test_a_fee_is_booked_in_the_reward_s_own_currency_only() -> None:
    def fee_in(currency: str) -> Money | None:
        paid = wire.Charge(fees=Decimal("0.31"), currency_code=currency)
        return observation_of(an_order(payment=paid), EXPONENTS, Evidence()).fee

    assert fee_in("USD") == Money(amount_minor=31, asset="USD")
    assert fee_in("KWD") is None


@pytest.mark.parametrize(
    ("status", "payload", "code", "scope"),
    [
        (422, {"reward": {"recipient": {"email": ["is invalid"]}}}, ErrorCode.DESTINATION_INVALID, "payout"),
        (422, {"reward": {"value": {"currency_code": ["?"]}}}, ErrorCode.ASSET_UNSUPPORTED, "payout"),
        (
            422,
            {"reward": {"recipient": {"email": []}, "value": {"denomination": []}}},
            ErrorCode.PROVIDER_REJECTED,
            "payout",
        ),
        (400, {}, ErrorCode.PROVIDER_REJECTED, "payout"),
        (402, {}, ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, "provider"),
    ],
)
def test_a_refusal_names_the_field_at_fault(status: int, payload: dict, code: ErrorCode, scope: str) -> None:
    refusal = refusal_of(status, wire.Errors(payload=payload))

    assert refusal is not None
    assert (refusal.code, refusal.scope) == (code, RejectionScope(scope))


@pytest.mark.parametrize("status", [402, 422])
def test_a_refusal_in_words_that_are_not_theirs_is_none(status: int) -> None:
    assert refusal_of(status, None) is None


def test_an_account_without_anything_to_choose_from_stops_the_start() -> None:
    context = ProviderContext(
        name="gifts",
        environment=ProviderEnvironment.SANDBOX,
        settings={"funding_source_id": "F"},
        credentials={"api_key": Secret("k"), "webhook_private_key": Secret("w")},
        http=HttpClient(),
    )

    with pytest.raises(ConfigInvalid, match="campaign_id or products"):
        TremendousProvider(context)
