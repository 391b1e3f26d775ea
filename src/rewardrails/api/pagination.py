"""Pages: a limit and an opaque cursor in, the rows and the next cursor out."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from litestar.params import QueryParameter

from rewardrails.engine.holds_list import HoldPlace
from rewardrails.errors import FieldInvalid

T = TypeVar("T")
DEFAULT_LIMIT = 50
MAX_LIMIT = 1000
_MAX_NUMBER = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="How many to answer at most.")]
Cursor = Annotated[str | None, QueryParameter(max_length=128, description="`next_cursor` of the page before.")]


def after_id(cursor: str | None) -> UUID | None:
    """The id a cursor stands for. Raises `FieldInvalid`."""
    if cursor is None:
        return None
    raw = _opened(cursor, "i")
    if len(raw) != 16:
        raise _bad()
    return UUID(bytes=raw)


def after_number(cursor: str | None) -> int:
    """The position or row a cursor stands for, 0 without one. Raises `FieldInvalid`."""
    if cursor is None:
        return 0
    raw = _opened(cursor, "n")
    number = int.from_bytes(raw)
    if not raw or number > _MAX_NUMBER:
        raise _bad()
    return number


def cursor_at(place: UUID | int) -> str:
    """The opaque cursor of a place."""
    kind, raw = ("i", place.bytes) if isinstance(place, UUID) else ("n", place.to_bytes(8))
    return _sealed(kind, raw)


def after_hold(cursor: str | None) -> HoldPlace | None:
    """The hold a cursor stands for. Raises `FieldInvalid`."""
    if cursor is None:
        return None
    raw = _opened(cursor, "h")
    moment, payout, gate = raw[:8], raw[8:24], raw[24:].decode("ascii", "replace")
    if not gate.isidentifier():
        raise _bad()
    try:
        opened_at = _EPOCH + timedelta(microseconds=int.from_bytes(moment))
    except OverflowError:
        raise _bad() from None
    return HoldPlace(opened_at=opened_at, payout_id=UUID(bytes=payout), gate=gate)


def cursor_at_hold(place: HoldPlace) -> str:
    """The opaque cursor of a hold."""
    moment = ((place.opened_at - _EPOCH) // timedelta(microseconds=1)).to_bytes(8)
    return _sealed("h", moment + place.payout_id.bytes + place.gate.encode())


def page_of(rows: Sequence[T], limit: int) -> tuple[Sequence[T], bool]:
    """The page out of `limit + 1` rows read, and whether there is more."""
    return rows[:limit], len(rows) > limit


def _sealed(kind: str, raw: bytes) -> str:
    return base64.urlsafe_b64encode(kind.encode() + raw).decode().rstrip("=")


def _opened(cursor: str, kind: str) -> bytes:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _bad() from None
    if raw[:1] != kind.encode():
        raise _bad()
    return raw[1:]


def _bad() -> FieldInvalid:
    return FieldInvalid("cursor: send the next_cursor of the page before, unchanged", field="cursor")
