"""How Stripe counts a currency, and which amounts it pays out; exact, in whole numbers.

Source: https://docs.stripe.com/currencies#special-cases
"""

from collections.abc import Mapping
from types import MappingProxyType

from rewardrails.domain.money import Money
from rewardrails.errors import AmountInvalid
from rewardrails.providers.stripe.wire import Amount

_TWO_DECIMAL = 2
ZERO_DECIMAL = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
# The last digit must be nought.
THREE_DECIMAL = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
# Written with two decimals, which must both be nought: of 5 ISK it says 500.
WHOLE_ONLY = frozenset(["HUF", "ISK", "TWD", "UGX"])
STEPS: Mapping[str, int] = MappingProxyType(dict.fromkeys(THREE_DECIMAL, 10) | dict.fromkeys(WHOLE_ONLY, 100))


def exponent_at_stripe(asset: str) -> int:
    """How many digits Stripe's smallest unit of a currency stands for."""
    if asset in ZERO_DECIMAL:
        return 0
    return 3 if asset in THREE_DECIMAL else _TWO_DECIMAL


def can_be_counted(asset: str, exponent: int) -> bool:
    """Whether amounts with this many digits can be told to Stripe: its own number, or none where only whole ones are paid."""
    return exponent == exponent_at_stripe(asset) or (asset in WHOLE_ONLY and exponent == 0)


def least_of(asset: str, exponent: int) -> int:
    """The smallest amount that can be paid, in our smallest units."""
    return STEPS.get(asset, 1) // _units(asset, exponent)


def amount_of(money: Money, assets: Mapping[str, int]) -> Amount:
    """An amount as Stripe writes it; raises `AmountInvalid` for one that it would not pay to the last digit."""
    exponent = assets.get(money.asset)
    if exponent is None or not can_be_counted(money.asset, exponent):
        raise AmountInvalid(f"{money.asset} is not paid here with the digits that are configured", field="amount")
    value = money.amount_minor * _units(money.asset, exponent)
    if value % STEPS.get(money.asset, 1):
        raise AmountInvalid(f"Stripe pays {money.asset} in steps of {STEPS[money.asset]} only", field="amount")
    return Amount(value=value, currency=money.asset.lower())


def money_of(amount: Amount, assets: Mapping[str, int]) -> Money:
    """An exact amount; raises `AmountInvalid` for a currency that is not configured, less than nothing, or a fraction."""
    asset, units = _units_of(amount, assets)
    if amount.value % units:
        raise AmountInvalid("the provider speaks of a fraction of the smallest unit", field="amount")
    return Money(amount_minor=amount.value // units, asset=asset)


def held_of(amount: Amount, assets: Mapping[str, int]) -> Money:
    """What of a balance can be paid, rounded down; raises `AmountInvalid` like `money_of`."""
    asset, units = _units_of(amount, assets)
    return Money(amount_minor=amount.value // units, asset=asset)


def _units_of(amount: Amount, assets: Mapping[str, int]) -> tuple[str, int]:
    asset = amount.currency.upper()
    if asset not in assets or not can_be_counted(asset, assets[asset]) or amount.value < 0:
        raise AmountInvalid("the provider speaks of an asset or amount that cannot be", field="amount")
    return asset, _units(asset, assets[asset])


def _units(asset: str, exponent: int) -> int:
    """How many of Stripe's smallest units are one of ours."""
    return int("1" + "0" * (exponent_at_stripe(asset) - exponent))
