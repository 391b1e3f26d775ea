"""Rewards as newline-delimited JSON: one object of strings a line, keyed by the names of the columns; memo may be absent."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from rewardrails.domain.reward import COLUMNS
from rewardrails.errors import FieldInvalid
from rewardrails.intake.lines import MAX_RECORD_BYTES, Lines, Record, Unreadable

_KNOWN = frozenset(COLUMNS)
_REQUIRED = _KNOWN - {"memo"}


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Objects become tuples of pairs, so that a key that comes twice is seen; a number, however long, is never computed.
_decode = json.JSONDecoder(
    object_pairs_hook=tuple, parse_constant=_not_json, parse_int=str.encode, parse_float=str.encode
).decode


class NdjsonParser:
    """Reads one file; a line that is wrong is refused alone."""

    def __init__(self) -> None:
        self.consumed = 0

    def records(self, lines: Lines, *, at_end: bool) -> Iterator[tuple[int, Record]]:  # noqa: ARG002 - lines are whole
        """See `Parser`."""
        for at, line in enumerate(lines.text):
            self.consumed = at + 1
            if not line.strip():
                continue
            if len(lines.raw[at]) > MAX_RECORD_BYTES:
                yield at, Unreadable(FieldInvalid(f"the line is longer than {MAX_RECORD_BYTES} bytes"))
            else:
                yield at, _record(line)

    def finish(self) -> None:
        """See `Parser`; a file without lines is one without rewards."""


def _record(line: str) -> Record:
    try:
        pairs = _decode(line)
    except (ValueError, RecursionError):
        return Unreadable(FieldInvalid("the line is not JSON"))
    if not isinstance(pairs, tuple):
        return Unreadable(FieldInvalid("the line is not a JSON object"))
    fields: Mapping[str, object] = dict(pairs)
    cells = [text for name in COLUMNS if isinstance(text := fields.get(name, ""), str)]
    complete = fields.keys() >= _REQUIRED and fields.keys() <= _KNOWN
    if complete and len(fields) == len(pairs) and len(cells) == len(COLUMNS):
        return cells
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    reward_id = fields.get("reward_id")
    # Of two reward ids it cannot be told which one is meant.
    readable = isinstance(reward_id, str) and "reward_id" not in twice
    return Unreadable(_fault(fields, twice), str(reward_id) if readable else "")


def _fault(fields: Mapping[str, object], twice: Sequence[str]) -> FieldInvalid:
    for name in twice:
        return FieldInvalid("a key comes twice", field=name if name in _KNOWN else None)
    if not fields.keys() <= _KNOWN:
        # The key itself is not shown: it may be anything.
        return FieldInvalid(f"a key is none of {', '.join(COLUMNS)}")
    for name in COLUMNS:
        if name in _REQUIRED and name not in fields:
            return FieldInvalid(f"{name} is missing", field=name)
        if not isinstance(fields.get(name, ""), str):
            return FieldInvalid(f'{name} is not a string: write it in quotes, amounts too, as in "12.50"', field=name)
    raise AssertionError("called for a fault that is none")
