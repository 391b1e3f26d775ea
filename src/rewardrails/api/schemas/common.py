"""What every noun's schemas are made of."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from rewardrails.domain.assets import format_amount
from rewardrails.engine.core import Core

NO_CONTROL = r"^(?![\s\S]*[\u0000-\u001f\u007f-\u009f])"
_NO_CONTROL_BUT_LINES = r"^(?![\s\S]*[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f])"
MAX_DECIMAL_LENGTH = 80

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=NO_CONTROL)]
"""A name or reference: one line, no control characters."""
OptionalName = Annotated[str, Meta(max_length=200, pattern=NO_CONTROL)]
Words = Annotated[str, Meta(min_length=1, max_length=4000, pattern=_NO_CONTROL_BUT_LINES)]
"""Free text: proof, evidence, a reason."""
PlayerId = Annotated[str, Meta(min_length=1, max_length=1024, pattern=NO_CONTROL)]
Moment = Annotated[datetime, Meta(tz=True)]
"""A moment with its offset from UTC; `fields.moment` judges it further."""
Cell = Annotated[str, Meta(max_length=4096)]
"""A field of a reward; the configured rules judge it."""
FreeText = Annotated[str, Meta(max_length=4096, pattern=_NO_CONTROL_BUT_LINES)]
"""A destination or memo; its kind judges it further."""
Decimal = Annotated[
    str,
    Meta(
        max_length=MAX_DECIMAL_LENGTH,
        description="A plain decimal such as 12.50, with at most the decimals of its asset.",
        examples=["12.50"],
    ),
]


class In(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a caller sends: exactly these fields."""


class Out(msgspec.Struct, kw_only=True):
    """What we answer."""


class Amount(Out):
    """`amount` in whole units (null when the asset is no longer declared), `amount_minor` in smallest ones."""

    amount: str | None
    amount_minor: str


def decimal(core: Core, minor: int, asset: str) -> str | None:
    """Smallest units of a declared asset as a decimal."""
    known = core.config.assets.get(asset)
    return format_amount(minor, known.exponent) if known else None


def amount(core: Core, minor: int, asset: str) -> Amount:
    """Both ways of writing an amount."""
    return Amount(amount=decimal(core, minor, asset), amount_minor=str(minor))
