"""Fields that a schema alone cannot judge; every refusal names the field as it is called here."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from rewardrails.config.shapes import JURISDICTION_PATTERN
from rewardrails.errors import FieldInvalid

_YEARS = range(1970, 2201)
_sha256 = re.compile(r"[0-9a-fA-F]{64}").fullmatch
_jurisdiction = re.compile(JURISDICTION_PATTERN).fullmatch


def moment(value: datetime, field: str) -> datetime:
    """A moment with its offset, in years that the database and every clock can hold."""
    if value.tzinfo is None:
        raise FieldInvalid(f"{field}: write its offset from UTC too, as in 2030-01-31T00:00:00Z", field=field)
    if value.year not in _YEARS:
        raise FieldInvalid(f"{field}: it lies before {_YEARS[0]} or after {_YEARS[-1]}", field=field)
    return value


def sha256(text: str, field: str) -> bytes:
    """The 32 bytes of a SHA-256 in hexadecimal digits."""
    if not _sha256(text):
        raise FieldInvalid(f"{field}: it is not a SHA-256 in 64 hexadecimal digits", field=field)
    return bytes.fromhex(text)


def jurisdictions(codes: Sequence[str], field: str) -> frozenset[str]:
    """Upper-case ISO 3166 codes."""
    for at, code in enumerate(codes):
        if not _jurisdiction(code):
            raise FieldInvalid(f'{field}[{at}]: write upper-case codes such as "DE" or "US-CA"', field=f"{field}[{at}]")
    return frozenset(codes)


@contextmanager
def called(here: str, inside: str) -> Iterator[None]:
    """Let a refusal that calls a field `inside` call it `here`."""
    try:
        yield
    except FieldInvalid as error:
        if error.field != inside:
            raise
        raise type(error)(f"{here}: {error.message}", field=here, code=error.code) from None
