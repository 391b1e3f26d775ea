"""Moments as people write them on a command line or in a file."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter, Token

from rewardrails.errors import FieldInvalid


def read_moment(text: str, field: str) -> datetime:
    """A day (it begins at 00:00 UTC) or a moment; without an offset it is UTC. Raises `FieldInvalid`."""
    try:
        return _read(text)
    except ValueError as error:
        raise FieldInvalid(f"{field}: {error}", field=field) from None


def _of_tokens(_type: object, tokens: Sequence[Token]) -> datetime:
    return _read(tokens[0].value)


def _read(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("write a day or a moment, such as 2026-11-23 or 2026-11-23T18:30Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, Parameter(converter=_of_tokens)]
"""An option that takes a day or a moment."""
