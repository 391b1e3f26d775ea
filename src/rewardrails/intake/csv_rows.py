"""Rewards as CSV (RFC 4180): a header, commas, quotes doubled inside quotes, LF or CRLF."""

import csv
import re
from collections.abc import Iterator

from rewardrails.domain.reward import COLUMNS
from rewardrails.errors import FileInvalid
from rewardrails.intake.csv_header import Header
from rewardrails.intake.lines import MAX_RECORD_BYTES, Lines, Record

_lone_quote = re.compile(r'(?<!")(?:"")*"(?!")').search
_AFTER_A_CLOSE = frozenset({"", ",", "\r"})


class _Open(Exception):
    """A quote is open where the lines, or the longest record there may be, end."""

    def __init__(self, *, at_limit: bool) -> None:
        self.at_limit = at_limit


class CsvParser:
    """Reads one file. Of a record whose quotes are wrong the first line is refused alone; reading goes on after it."""

    def __init__(self) -> None:
        self.consumed = 0
        self._header: Header | None = None
        self._suspect_line: int | None = None

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
                cells, taken = _csv_record(lines, at)
            except csv.Error:
                raise FileInvalid(f"line {number}: the header's quotes are wrong") from None
            except _Open as error:
                if error.at_limit or at_end:
                    raise FileInvalid(f"line {number}: the header opens a quote and does not close it") from None
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
        number, line = lines.first + at, lines.text[at]
        if self._suspect_line is not None and (lone := _lone_quote(line)):
            self._settle_suspicion(self._suspect_line, line[lone.end() : lone.end() + 1], number)
        try:
            cells, taken = _csv_record(lines, at)
        except csv.Error:
            return header.broken(line, "a quote is not doubled, or a closing one not followed by a comma"), 1
        except _Open as error:
            if not (error.at_limit or at_end):
                raise
            # A line that is too long by itself has its quotes in pairs.
            if error.at_limit and line.count('"') % 2:
                self._suspect_line = number
            return header.broken(line, f"it is longer than {MAX_RECORD_BYTES} bytes, or a quote is never closed"), 1
        return header.record(cells), taken

    def _settle_suspicion(self, suspect_line: int, after_quote: str, number: int) -> None:
        """Tell a forgotten quote from a field that really is longer than the limit, by the next lone quote.

        A player's text may look like rows, and reading on inside such a field would take them for rewards. A quote that
        could close the field therefore makes the file unreadable; any other one proves that the first was forgotten.
        """
        if after_quote in _AFTER_A_CLOSE:
            raise FileInvalid(
                f"line {suspect_line} opens a quote that line {number} may close, more than {MAX_RECORD_BYTES} bytes "
                f"later, and what lies between cannot be trusted: correct line {suspect_line} and send the file again"
            )
        self._suspect_line = None


def _csv_record(lines: Lines, start: int) -> tuple[list[str], int]:
    """Cells of the record that begins on line `start`, and how many lines it takes. Raises `csv.Error`, `_Open`."""
    reader = csv.reader(_feed(lines, start), strict=True)
    return next(reader), reader.line_num


def _feed(lines: Lines, start: int) -> Iterator[str]:
    size = 0
    for at in range(start, len(lines.raw)):
        size += len(lines.raw[at]) + 1
        if size > MAX_RECORD_BYTES:
            raise _Open(at_limit=True)
        yield lines.text[at] + "\n"
    raise _Open(at_limit=False)
