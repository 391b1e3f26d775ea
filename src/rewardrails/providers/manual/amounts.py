"""Amounts as banks write them."""

from collections.abc import Mapping
from decimal import Decimal

from rewardrails.domain.money import Money

MOST_DIGITS = 24


def exact_money(whole: Decimal, asset: str, exponents: Mapping[str, int]) -> Money | None:
    """An exact amount, zero included; None for a currency that is not configured or a part of a smallest unit."""
    exponent = exponents.get(asset)
    if exponent is None or not whole.is_finite() or whole.adjusted() > MOST_DIGITS or whole < 0:
        return None
    scaled = whole.scaleb(exponent)
    return Money(amount_minor=int(scaled), asset=asset) if scaled == scaled.to_integral_value() else None
