"""Cutting a file's bytes into records, each at most `MAX_RECORD_BYTES` long, and what a record can turn out to be.

Where one record ends depends on the bytes from its beginning on and nothing else, so a file always falls into the same
records. A record is a line; where quotes count (CSV) it goes on over the line ends inside a quoted field. A record that
is not complete after `MAX_RECORD_BYTES`, or at the end of the file, is given up: reading goes on at the first line that
begins after the start of its last field, which is where an unclosed quote opened. Blank lines are no records.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from rewardrails.errors import ErrorCode

MAX_RECORD_BYTES = 64 * 1024
"""The longest record that is read, its line end included."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# As csv.reader sees it: only a field's first character opens a quote, and what follows the closing one is plain text.
_FIELD = rb'(?:"[^"]*+(?:""[^"]*+)*+"[^,\n]*+|[^",\n][^,\n]*+|)'
_RECORD = re.compile(rb"(?:%b,)*+%b\n" % (_FIELD, _FIELD))
_ALL_FIELDS_BUT_LAST = re.compile(rb"(?:%b,)*+" % _FIELD)


class Refusal(NamedTuple):
    """Why a row is not accepted; `field` is empty when no single field is at fault. Holds no personal data."""

    code: ErrorCode
    field: str
    message: str


class Unreadable(NamedTuple):
    """A record that yields no cells; `reward_id` as far as it could be told, else empty."""

    refusal: Refusal
    reward_id: str = ""


Cells = list[str]
"""The cells of a row in the order of `COLUMNS`, unchecked; a byte that is not UTF-8 is a lone surrogate."""


class RowDecoder(Protocol):
    """Turns the records of one file, in order, into rows."""

    def decode(self, record: bytes | None) -> Cells | Unreadable | None:
        """One record without its line end (None: it was given up) as a row; None if it is no row. Raises `FileInvalid`."""

    def finish(self) -> None:
        """The file is over. Raises `FileInvalid` if something it must hold never came."""


class RecordCutter:
    """Cuts one file; after each `cut` is exhausted, `position` says how much of that buffer is done with."""

    def __init__(self, *, with_quotes: bool, max_record_bytes: int = MAX_RECORD_BYTES) -> None:
        self.position = 0
        self._max_record_bytes = max_record_bytes
        self._with_quotes = with_quotes
        self._at_file_start = True
        self._giving_up = False  # inside a given up record whose line end has not come yet

    def cut(self, buffer: bytes, *, final: bool) -> Iterator[tuple[bytes | None, int]]:
        """The records of `buffer`, each with the offset of its end; None stands for a record that was given up.

        `buffer` begins with what the last call left over. `final` says that the file ends with it.
        """
        size = len(buffer)
        if final and not buffer.endswith(b"\n"):
            buffer += b"\n"
        start = len(_BYTE_ORDER_MARK) if self._at_file_start and buffer.startswith(_BYTE_ORDER_MARK) else 0
        self._at_file_start = False
        while start < len(buffer):
            end, complete = self._find_end(buffer, start, final=final)
            if not end:
                break
            record = buffer[start : end - 1].rstrip(b"\r")
            start = end
            if not complete:
                yield None, min(end, size)
            elif record.strip(b" \t\r"):
                yield record, min(end, size)
        if self._giving_up:
            start = size
        self.position = min(start, size)

    def _find_end(self, buffer: bytes, start: int, *, final: bool) -> tuple[int, bool]:
        """The end of the record at `start` (0: not in this buffer) and whether it is complete or given up."""
        end = buffer.find(b"\n", start) + 1
        if self._giving_up:
            self._giving_up = not end
            return end, False
        if end and not (self._with_quotes and buffer.find(b'"', start, end) >= 0):
            return end, end - start <= self._max_record_bytes
        limit = start + self._max_record_bytes
        if end and (record := _RECORD.match(buffer, start, limit)):
            return record.end(), True
        if len(buffer) < limit and not final:
            return 0, False  # more bytes may complete it
        fields = _ALL_FIELDS_BUT_LAST.match(buffer, start, limit) if self._with_quotes else None
        end = buffer.find(b"\n", fields.end() if fields else start) + 1
        self._giving_up = not end
        return end, False
