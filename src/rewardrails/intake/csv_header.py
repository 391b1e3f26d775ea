"""The first line of a CSV file: which column stands where, and rows put into our order by it."""

import re
from collections.abc import Callable, Sequence
from operator import itemgetter

from rewardrails.domain.reward import COLUMNS
from rewardrails.errors import FieldInvalid, FileInvalid
from rewardrails.intake.lines import Record, Unreadable

# Anything else may be a player's data in a file without a header, and stays out of messages.
_looks_like_a_name = re.compile(r"[A-Za-z][A-Za-z_ -]{0,39}").fullmatch


class Header:
    """The columns of one file, in whatever order. Raises `FileInvalid` when they are not exactly `COLUMNS`."""

    def __init__(self, cells: Sequence[str], line: int) -> None:
        names = [cell.strip() for cell in cells]
        if problems := _problems(names):
            raise FileInvalid(f"line {line}: {'; '.join(problems)}")
        self._reward_id = names.index("reward_id")
        in_file_order = tuple(names) == COLUMNS
        self._reorder: Callable[[Sequence[str]], Sequence[str]] = (
            _unchanged if in_file_order else itemgetter(*map(names.index, COLUMNS))
        )

    def record(self, cells: Sequence[str]) -> Record:
        """A row's cells in the order of `COLUMNS`."""
        if len(cells) == len(COLUMNS):
            return self._reorder(cells)
        fault = FieldInvalid(f"the row has {len(cells)} columns, not {len(COLUMNS)}")
        return Unreadable(fault, cells[self._reward_id] if len(cells) > self._reward_id else "")

    def broken(self, line: str, why: str) -> Unreadable:
        """A line that cannot be split into cells."""
        before = line.split(",")[: self._reward_id + 1]
        readable = len(before) > self._reward_id and '"' not in ",".join(before)
        return Unreadable(FieldInvalid(f"the row cannot be read: {why}"), before[-1] if readable else "")


def _unchanged(cells: Sequence[str]) -> Sequence[str]:
    return cells


def _problems(names: Sequence[str]) -> list[str]:
    if not set(names) & set(COLUMNS):
        return [f"this is no header; it must name the columns {', '.join(COLUMNS)}, as UTF-8, with commas between them"]
    problems = []
    for position, name in enumerate(names, 1):
        if name not in COLUMNS:
            shown = repr(name) if _looks_like_a_name(name) else f"number {position}"
            problems.append(f"column {shown} is not known")
        elif name in names[: position - 1]:
            problems.append(f"column {name!r} comes twice")
    return problems + [f"column {name!r} is missing" for name in COLUMNS if name not in names]
