"""What can be paid, and its amounts as text."""

import re
from dataclasses import dataclass

from rewardrails.errors import AmountInvalid

MAX_DIGITS = 38
MAX_MINOR = 10**MAX_DIGITS - 1
_plain_decimal = re.compile(r"([0-9]{1,38})(?:\.([0-9]{1,38}))?").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A declared asset; `exponent` is the number of decimals of its smallest unit."""

    code: str
    exponent: int
    redeemable: bool


def parse_amount(text: str, asset: Asset) -> int:
    """Read a plain ASCII decimal, outer spaces aside, into smallest units.

    Raises `AmountInvalid` for anything else: signs, exponents, grouping, a leading or trailing point, more decimals
    than the asset has, zero, and what does not fit 38 digits of smallest units.
    """
    found = _plain_decimal(text.strip(" "))
    if found is None:
        raise AmountInvalid("amount is not a plain decimal: write it as in 12.50", field="amount")
    whole, decimals = found.groups("")
    missing = asset.exponent - len(decimals)
    if missing < 0:
        raise AmountInvalid(f"amount has more than the {asset.exponent} decimals of {asset.code}", field="amount")
    minor = int(whole + decimals + "0" * missing)
    if minor == 0:
        raise AmountInvalid("amount must be more than zero", field="amount")
    if minor > MAX_MINOR:
        raise AmountInvalid(f"amount has more than {MAX_DIGITS} digits in smallest units", field="amount")
    return minor


def format_amount(minor: int, exponent: int) -> str:
    """Smallest units as a decimal with exactly `exponent` decimals, which `parse_amount` reads back."""
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(exponent + 1, "0")
    cut = len(digits) - exponent
    return f"{sign}{digits[:cut]}.{digits[cut:]}" if exponent else sign + digits
