"""Rewards as CSV (RFC 4180): UTF-8, a header, commas, quotes doubled inside quotes."""

import csv
import re
from collections.abc import Iterator, Sequence
from operator import itemgetter

from rewardrails.domain.reward import COLUMNS
from rewardrails.errors import FieldInvalid, FileInvalid
from rewardrails.intake.lines import MAX_RECORD_BYTES, Lines, Record, Unreadable

_looks_like_a_name = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{0,39}").fullmatch
_first_lone_quote = re.compile(r'(?<!")(?:"")*"(?!")').search
_CLOSES = ("", ",", "\r")


class _Unfinished(Exception):
    """The record goes on after the lines there are."""


class CsvParser:
    """Reads one file. A record whose quotes are wrong is refused alone: reading goes on with the line after its first."""

    def __init__(self) -> None:
        self._columns: tuple[int, ...] = ()
        self._suspect: int | None = None
        self.consumed = 0

    def records(self, lines: Lines, *, at_end: bool) -> Iterator[tuple[int, Record]]:
        """See `Parser`."""
        in_order = tuple(range(len(COLUMNS)))
        self.consumed = at = 0
        text = lines.text
        while at < len(text):
            line = text[at]
            start = at
            if '"' in line or not self._columns:
                try:
                    found, at = self._quoted(lines, start, at_end=at_end)
                except _Unfinished:
                    return
            else:
                at += 1
                found = line.rstrip("\r").split(",") if line not in ("", "\r") else None
            self.consumed = at
            if found is None:
                continue
            if isinstance(found, list) and len(found) == len(COLUMNS) and self._columns != in_order:
                found = itemgetter(*self._columns)(found)
            yield start, found

    def _quoted(self, lines: Lines, start: int, *, at_end: bool) -> tuple[list[str] | Unreadable | None, int]:
        """The record that begins on line `start`, and the index after its last line; None for the header and blanks."""
        number = lines.first + start
        if self._suspect is not None:
            self._refuse_a_close(lines.text[start], number)
        cells, taken = _csv_record(lines, start, at_end=at_end)
        if not self._columns:
            self._columns = _columns(cells, number)
            return None, start + taken
        if cells is None and taken:
            self._suspect = number
        if cells is None:
            fault = FieldInvalid(f"line {number} has a quote that is not closed or not doubled")
            return Unreadable(fault, self._reward_id(lines.text[start])), start + 1
        return cells or None, start + taken

    def _refuse_a_close(self, line: str, number: int) -> None:
        """Tell a forgotten quote from a field that really is that long.

        Text that a player wrote may look like rows. Were a field longer than any may be, reading on inside it would take
        them for rewards. The next lone quote decides: one that could close the field makes the file unreadable.
        """
        lone = _first_lone_quote(line)
        if lone is None:
            return
        if line[lone.end() : lone.end() + 1] in _CLOSES:
            raise FileInvalid(
                f"line {self._suspect} opens a quote that line {number} closes, more than {MAX_RECORD_BYTES} bytes "
                "later: no field is that long; correct that line"
            )
        self._suspect = None

    def _reward_id(self, line: str) -> str:
        position = self._columns[0]
        before = line.split(",")[: position + 1]
        return before[position] if len(before) > position and '"' not in ",".join(before) else ""


def _csv_record(lines: Lines, start: int, *, at_end: bool) -> tuple[list[str] | None, int]:
    """Cells of one record and how many lines it took.

    Cells are None when its quotes are wrong; the number then is 0, or 1 when a quote was open all the way to the limit.
    """
    size, end = 0, start
    while end < len(lines.raw) and (size := size + len(lines.raw[end]) + 1) <= MAX_RECORD_BYTES:
        end += 1
    cut_short = end < len(lines.raw)
    reader = csv.reader((line + "\n" for line in lines.text[start:end]), strict=True)
    try:
        return next(reader, []), reader.line_num
    except csv.Error:
        if reader.line_num < end - start or not _is_open(lines.text[start:end]):
            return None, 0
        if not (cut_short or at_end):
            raise _Unfinished from None
        return None, int(cut_short)


def _is_open(lines: Sequence[str]) -> bool:
    return True


def _columns(cells: list[str] | None, number: int) -> tuple[int, ...]:
    return ()
