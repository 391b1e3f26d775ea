"""Reloadly's words in ours: its statuses, exact denominations, one card, and unknown for everything else."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.quote import QuoteRequest
from rewardrails.errors import AmountInvalid, ConfigInvalid, ErrorCode, RewardRailsError
from rewardrails.providers.http import HttpClient
from rewardrails.providers.reloadly import wire
from rewardrails.providers.reloadly.catalogue import refuse_unsold
from rewardrails.providers.reloadly.mapping import STATUSES, money_of, observation_of, value_of, whole_of
from rewardrails.providers.reloadly.provider import ReloadlyProvider
from tests.vendors.reloadly.account import context_at
from tests.vendors.reloadly.double import FIXED, KIND, RANGED, SLEEPING, ReloadlyDouble

EXPONENTS = {"USD": 2, "JPY": 0, "KWD": 3}
# As the vendor's own client lists them.
DOCUMENTED = {"PENDING", "PROCESSING", "SUCCESSFUL", "FAILED", "REFUNDED"}


def a_sale(status: str = "SUCCESSFUL", currency: str = "USD", **changes: object) -> wire.Transaction:
    fields: dict[str, object] = {"product_id": 1, "quantity": 1, "unit_price": Decimal("12.5"), "currency_code": "USD"}
    sold = wire.Sold(**fields | changes)  # type: ignore[arg-type]
    return wire.Transaction(
        transaction_id=7,
        status=status,
        currency_code=currency,
        fee=Decimal("0.50"),
        product=sold,
        custom_identifier="key",
    )


def test_every_documented_status_is_in_the_table() -> None:
    assert set(STATUSES) == DOCUMENTED


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("PROCESSING", ObservedStatus.PENDING),
        ("REFUNDED", ObservedStatus.RETURNED),
        ("FAILED", ObservedStatus.FAILED),
        ("successful", ObservedStatus.UNKNOWN),
        ("TELEPORTED", ObservedStatus.UNKNOWN),
    ],
)
def test_a_status_is_told_as_it_is_documented_and_otherwise_unknown(told: str, status: ObservedStatus) -> None:
    seen = observation_of(a_sale(told), EXPONENTS, Evidence())

    assert seen.status is status
    assert (seen.code is not None) is (status is ObservedStatus.FAILED)


def test_an_order_of_several_cards_is_none_of_ours() -> None:
    with pytest.raises(AmountInvalid):
        observation_of(a_sale(quantity=2), EXPONENTS, Evidence())


def test_a_fee_is_booked_in_the_card_s_own_currency_only() -> None:
    assert observation_of(a_sale(), EXPONENTS, Evidence()).fee == Money(amount_minor=50, asset="USD")
    assert observation_of(a_sale(currency="JPY"), EXPONENTS, Evidence()).fee is None


@pytest.mark.parametrize("asset", EXPONENTS)
@pytest.mark.parametrize("minor", [1, 10, 101, 123_456_789_012_345_678])
def test_amounts_go_out_and_come_back_to_the_last_digit(asset: str, minor: int) -> None:
    money = Money(amount_minor=minor, asset=asset)

    raw = wire.ENCODER.encode([whole_of(money, EXPONENTS)])

    (back,) = msgspec.json.decode(raw, type=list[Decimal])
    assert b'"' not in raw
    assert money_of(back, asset, EXPONENTS) == money


@pytest.mark.parametrize("whole", ["1.001", "-1", "NaN", "Infinity", "1e999999", "1e25"])
def test_an_amount_that_cannot_be_is_refused(whole: str) -> None:
    with pytest.raises(AmountInvalid):
        money_of(Decimal(whole), "USD", EXPONENTS)


@pytest.mark.parametrize(
    ("card", "parts"),
    [
        ({"cardNumber": "C", "pinCode": "P"}, ("C", "P", "")),
        ({"cardNumber": None, "pinCode": "P"}, ("P", "", "")),
        ({"redemptionUrl": "https://r.example/1", "pinCode": "P"}, ("", "P", "https://r.example/1")),
        ({"cardNumber": "C", "redemptionUrl": "https://r.example/1"}, ("C", "", "https://r.example/1")),
    ],
)
def test_a_card_s_parts_are_handed_over_as_they_are(card: dict[str, str], parts: tuple[str, str, str]) -> None:
    (read,) = wire.CARDS.decode(msgspec.json.encode([card]))

    value = value_of([read])

    assert value is not None
    assert (value.code, value.pin, value.link) == parts
    assert "r.example" not in repr(read) + repr(value)


@pytest.mark.parametrize("cards", [[], [wire.Card()], [wire.Card(card_number="a"), wire.Card(card_number="b")]])
def test_no_card_an_empty_one_and_several_are_no_value(cards: list[wire.Card]) -> None:
    assert value_of(cards) is None


@pytest.mark.parametrize("whole", ["12.49", "12.51", "0", "5.001", "101"])
def test_a_fixed_product_is_sold_for_its_denominations_alone(whole: str) -> None:
    product = wire.Product(
        product_id=1,
        denomination_type="FIXED",
        recipient_currency_code="USD",
        fixed_recipient_denominations=[Decimal(5), Decimal("12.5"), Decimal("100.00")],
    )
    for sold in ("5.00", "12.50", "100"):
        refuse_unsold(product, Decimal(sold))

    with pytest.raises(AmountInvalid, match=r"sold for 5, 12\.5, 100\.00"):
        refuse_unsold(product, Decimal(whole))


def test_a_range_has_two_ends_and_a_kind_nobody_knows_sells_nothing() -> None:
    product = wire.Product(
        product_id=1,
        denomination_type="RANGE",
        recipient_currency_code="USD",
        min_recipient_denomination=Decimal(1),
        max_recipient_denomination=Decimal("2.5"),
    )
    for sold in ("1", "1.01", "2.50"):
        refuse_unsold(product, Decimal(sold))
    cases = (
        (product, "0.99", ErrorCode.AMOUNT_BELOW_MINIMUM),
        (product, "2.51", ErrorCode.AMOUNT_ABOVE_MAXIMUM),
        (msgspec.structs.replace(product, denomination_type="WISH"), "2", ErrorCode.AMOUNT_INVALID),
        (msgspec.structs.replace(product, max_recipient_denomination=None), "2", ErrorCode.AMOUNT_INVALID),
    )
    for sold_as, whole, code in cases:
        with pytest.raises(RewardRailsError) as refused:
            refuse_unsold(sold_as, Decimal(whole))
        assert refused.value.code is code


@pytest.mark.parametrize(
    ("destination", "asset", "settings", "code"),
    [
        (str(FIXED), "USD", {}, ErrorCode.AMOUNT_INVALID),
        (str(SLEEPING), "USD", {}, ErrorCode.DESTINATION_INVALID),
        ("1", "USD", {}, ErrorCode.DESTINATION_INVALID),
        ("steam", "USD", {}, ErrorCode.DESTINATION_INVALID),
        ("-5", "USD", {}, ErrorCode.DESTINATION_INVALID),
        (str(RANGED), "JPY", {}, ErrorCode.ASSET_UNSUPPORTED),
        (str(RANGED), "USD", {"products": [FIXED]}, ErrorCode.DESTINATION_INVALID),
    ],
)
async def test_a_quote_for_what_is_not_sold_is_a_typed_refusal(
    destination: str, asset: str, settings: dict, code: ErrorCode
) -> None:
    async with ReloadlyDouble() as double:
        context = context_at(double, **settings)
        rail = ReloadlyProvider(replace(context, assets={"USD": 2, "JPY": 0}, http=HttpClient()))
        asked = QuoteRequest(
            amount=Money(amount_minor=700, asset=asset),
            destination=Destination(kind=KIND, value=destination),
            player_id="player:1",
            jurisdiction="DE",
        )
        try:
            with pytest.raises(RewardRailsError) as refused:
                await rail.quote(asked)
        finally:
            await rail.close()

    assert refused.value.code is code
    assert double.taken == []


@pytest.mark.parametrize("wrong", [{"sender_name": " "}, {"absent_after_seconds": -1.0}, {"nonsense": 1}])
def test_settings_that_cannot_be_stop_the_start(wrong: dict) -> None:
    with pytest.raises(ConfigInvalid):
        ReloadlyProvider(
            context_at(ReloadlyDouble(), base_url="http://127.0.0.1:1", token_url="http://127.0.0.1:1", **wrong)
        )
