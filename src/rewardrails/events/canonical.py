"""The bytes of one sealed event, and the chain over them; docs/reference/audit-log.md says the same for outsiders.

Version 1, big-endian:

    0x01 | position 8 | n 8 | transaction 8 | subject 16 | version 4 | microseconds since 1970 8 |
    type | actor | origin | outcome | code | before digest | after digest | data

Each of the last eight is its length in 4 bytes and then itself, texts as UTF-8; 0xffffffff instead of a length is "none". No two
events have the same bytes, and a chain hash is SHA-256 of the one before and the event's bytes.
"""

from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import Any, Protocol

VERSION = 1
GENESIS = bytes(32)
"""What the first event is chained to."""
_fixed = Struct(">Bqqq16siq").pack
_length = Struct(">I").pack
_NONE = b"\xff\xff\xff\xff"


class Columns(Protocol):
    """The columns of one event by name: a row of the database, or a line of an export."""

    def __getitem__(self, name: str, /) -> Any:
        """One column."""


def encode(row: Columns, position: int) -> bytes:
    """The canonical bytes of an event's columns, `created_us` in microseconds since 1970, sealed at `position`."""
    data = row["data"].encode()
    return b"".join(
        (
            _fixed(
                VERSION,
                position,
                row["n"],
                row["transaction_id"],
                row["subject_id"].bytes,
                row["version"],
                row["created_us"],
            ),
            _word(row["type"]),
            _word(row["actor"]),
            _word(row["origin"]),
            _word(row["outcome"]),
            _word(row["code"]),
            _digest(row["before_digest"]),
            _digest(row["after_digest"]),
            _length(len(data)),
            data,
        )
    )


def link(previous: bytes, row: Columns, position: int) -> bytes:
    """The chain hash of an event sealed at `position` behind `previous` (32 bytes)."""
    return sha256(previous + encode(row, position)).digest()


@lru_cache(maxsize=4096)
def _word(text: str | None) -> bytes:
    if text is None:
        return _NONE
    raw = text.encode()
    return _length(len(raw)) + raw


def _digest(raw: bytes | None) -> bytes:
    return _NONE if raw is None else _length(len(raw)) + raw
