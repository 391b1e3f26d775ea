"""Amounts are read strictly and written back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardrails.domain.assets import MAX_DIGITS, Asset, format_amount, parse_amount
from rewardrails.errors import AmountInvalid

LARGEST = 10**MAX_DIGITS - 1


def asset(exponent: int) -> Asset:
    return Asset(code="USD", exponent=exponent, redeemable=True)


@pytest.mark.parametrize(
    ("text", "exponent", "minor"),
    [
        ("12.50", 2, 1250),
        ("12.5", 2, 1250),
        ("12", 2, 1200),
        ("0.01", 2, 1),
        ("007.50", 2, 750),
        (" 12.50 ", 2, 1250),
        ("100", 0, 100),
        ("0.000000000000000001", 18, 1),
        ("9" * 38, 0, LARGEST),
    ],
)
def test_plain_decimals_are_read_into_smallest_units(text: str, exponent: int, minor: int) -> None:
    assert parse_amount(text, asset(exponent)) == minor


@pytest.mark.parametrize(
    "text",
    [
        *[
            "-5.00",
            "0",
            "0.00",
            "12,50",
            "1e3",
            "NaN",
            "Infinity",
            "",
            " ",
            "+5",
            "1_000",
            "٣٠",
            "0x20",
            "1" + "0" * 39,
        ],
        *["25.0000000001", "25.001", ".50", "25.", "1 000", "12.50\n", "1.2.3", "²", "9" * 5000, "9" * 37],
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(AmountInvalid) as caught:
        parse_amount(text, asset(2))
    assert caught.value.field == "amount"


def test_decimals_of_an_asset_without_any_are_refused() -> None:
    with pytest.raises(AmountInvalid):
        parse_amount("1.0", asset(0))


@given(minor=st.integers(min_value=1, max_value=LARGEST), exponent=st.integers(min_value=0, max_value=18))
def test_what_is_written_is_read_back(minor: int, exponent: int) -> None:
    assert parse_amount(format_amount(minor, exponent), asset(exponent)) == minor


@pytest.mark.parametrize(
    ("minor", "exponent", "text"),
    [(5, 2, "0.05"), (1250, 2, "12.50"), (0, 2, "0.00"), (7, 0, "7"), (-5, 2, "-0.05"), (-7, 0, "-7")],
)
def test_amounts_are_written_with_all_their_decimals(minor: int, exponent: int, text: str) -> None:
    assert format_amount(minor, exponent) == text
