"""Decimal strings and smallest units, exactly; apart from the code under test."""

from decimal import Decimal, localcontext

PRECISION = 60


def to_minor(text: str, exponent: int) -> int | None:
    """Smallest units, or None when the text has more places than the asset."""
    with localcontext(prec=PRECISION):
        scaled = Decimal(text).scaleb(exponent)
        return int(scaled) if scaled == scaled.to_integral_value() else None


def to_text(minor: int, exponent: int) -> str:
    """A decimal string with all of the asset's places."""
    if not exponent:
        return str(minor)
    whole, places = divmod(minor, 10**exponent)
    return f"{whole}.{places:0{exponent}d}"
