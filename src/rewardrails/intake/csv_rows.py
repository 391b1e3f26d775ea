"""Rewards as CSV (RFC 4180): a header, commas, quotes doubled inside quotes, LF or CRLF."""

import csv
from collections.abc import Iterator

from rewardrails.domain.reward import COLUMNS
from rewardrails.errors import FileInvalid
from rewardrails.intake.csv_header import Header
from rewardrails.intake.lines import MAX_RECORD_BYTES, Lines, Record


class _Open(Exception):
    """A quote is open where the lines end; more may close it."""


class _Wrong(Exception):
    """The quotes of a record are wrong, or it is longer than a record may be; `lines` is how far it reached."""

    def __init__(self, *, lines: int) -> None:
        self.lines = lines


class CsvParser:
    """Reads one file.

    A record whose quotes are wrong is refused alone when it is one line. One that reaches over several lines makes the
    file unreadable: a player's text may look like rows, and nobody can tell any more which lines are text.
    """

    def __init__(self) -> None:
        self.consumed = 0
        self._header: Header | None = None

    def records(self, lines: Lines, *, at_end: bool) -> Iterator[tuple[int, Record]]:
        """See `Parser`."""
        self.consumed = self._read_header(lines, at_end=at_end)
        if self._header is not None:
            yield from self._rows(self._header, lines, at_end=at_end)

    def finish(self) -> None:
        """See `Parser`."""
        if self._header is None:
            raise FileInvalid(f"the file is empty: its first line must name the columns {', '.join(COLUMNS)}")

    def _read_header(self, lines: Lines, *, at_end: bool) -> int:
        """How many lines the header and the blank lines before it take; 0 once it has been read."""
        at = 0
        while self._header is None and at < len(lines.text):
            number = lines.first + at
            try:
                cells, taken = _csv_record(lines, at, at_end=at_end)
            except _Wrong:
                raise FileInvalid(f"line {number}: the header's quotes are wrong") from None
            except _Open:
                break
            if cells:
                self._header = Header(cells, number)
            at += taken
        return at

    def _rows(self, header: Header, lines: Lines, *, at_end: bool) -> Iterator[tuple[int, Record]]:
        text, at = lines.text, self.consumed
        while at < len(text):
            start, line = at, text[at]
            if '"' in line:
                try:
                    record, taken = self._quoted(header, lines, at, at_end=at_end)
                except _Open:
                    return
                at += taken
            else:
                at += 1
                cells = line.rstrip("\r").split(",")
                if len(cells) == 1 and not cells[0].strip(" \t"):
                    self.consumed = at
                    continue
                record = header.record(cells)
            self.consumed = at
            yield start, record

    def _quoted(self, header: Header, lines: Lines, at: int, *, at_end: bool) -> tuple[Record, int]:
        """A record with a quote in its first line, and how many lines it takes. Raises `_Open` when more are needed."""
        try:
            cells, taken = _csv_record(lines, at, at_end=at_end)
        except _Wrong as error:
            if error.lines > 1:
                raise FileInvalid(
                    f"line {lines.first + at} opens a quote that is not closed properly, so nobody can tell which of the "
                    "lines below are rows and which are text: correct it and send the file again"
                ) from None
            return header.broken(lines.text[at], "its quotes are wrong, or it is too long"), 1
        return header.record(cells), taken


def _csv_record(lines: Lines, start: int, *, at_end: bool) -> tuple[list[str], int]:
    """Cells of the record that begins on line `start`, and how many lines it takes. Raises `_Wrong`, `_Open`."""
    reader = csv.reader(_feed(lines, start, at_end=at_end), strict=True)
    try:
        return next(reader), reader.line_num
    except csv.Error:
        raise _Wrong(lines=reader.line_num) from None


def _feed(lines: Lines, start: int, *, at_end: bool) -> Iterator[str]:
    size = 0
    for at in range(start, len(lines.raw)):
        size += len(lines.raw[at]) + 1
        if size > MAX_RECORD_BYTES:
            # One line too long by itself is as wrong as its quotes are; an open quote has reached the lines below.
            raise _Wrong(lines=1 if at == start and lines.text[at].count('"') % 2 == 0 else 2)
        yield lines.text[at] + "\n"
    if not at_end:
        raise _Open
    raise _Wrong(lines=len(lines.raw) - start)
