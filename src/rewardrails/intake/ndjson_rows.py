"""Rows of an NDJSON file: one object of strings a line, its fields named as the columns; `memo` may be left out."""

import json
import re
from collections import Counter

from rewardrails.domain.reward import COLUMNS
from rewardrails.errors import ErrorCode
from rewardrails.intake.records import MAX_RECORD_BYTES, Cells, Refusal, Unreadable

# Inside a JSON string the closing quote would be escaped, so this finds keys only.
_KEY = re.compile(rf'"({"|".join(COLUMNS)})"\s*+:')
_NESTED = re.compile(rf"{_KEY.pattern}\s*+[\[{{]")
_nameable = re.compile(r"[A-Za-z0-9_.-]{1,40}").fullmatch


class _Members(list[tuple[str, object]]):
    """An object's members as they stand in the text, repeated ones too."""


class NdjsonRows:
    """Decodes the records of one NDJSON file."""

    def decode(self, record: bytes | None) -> Cells | Unreadable | None:
        """One line as a row."""
        if record is None:
            return _refused("", f"the line is longer than {MAX_RECORD_BYTES} bytes")
        text = record.decode("utf-8", "surrogateescape")
        try:
            members = _parse(text)
        except json.JSONDecodeError as error:
            before = _KEY.findall(text, 0, error.pos)
            return _refused(before[-1] if before else "", f"the line is not JSON (character {error.pos + 1})")
        except RecursionError:
            nested = _NESTED.search(text)
            return _wrong_type(nested[1]) if nested else _refused("", "the line is nested too deeply")
        if not isinstance(members, _Members):
            return _refused("", "the line is not a JSON object")
        return _cells(members)

    def finish(self) -> None:
        """An empty file is a file without rows."""


def _object(members: list[tuple[str, object]]) -> _Members:
    return _Members(members)


# No number is ever wanted, and reading one as float takes any number of digits.
_parse = json.JSONDecoder(object_pairs_hook=_object, parse_int=float).decode


def _cells(members: _Members) -> Cells | Unreadable:
    values = dict(members)
    reward_id = values.get("reward_id")
    known = reward_id if isinstance(reward_id, str) else ""
    if len(values) != len(members):
        twice = next(name for name, count in Counter(name for name, _ in members).items() if count > 1)
        # Which of two reward ids is meant cannot be told.
        return _refused(_shown(twice), "a field is given twice", "" if twice == "reward_id" else known)
    values.setdefault("memo", "")
    for name, value in values.items():
        if name not in COLUMNS:
            return _refused(_shown(name), "a field is not one of those a reward has", known)
        if not isinstance(value, str):
            return _wrong_type(name, known)
    cells = [value for name in COLUMNS if isinstance(value := values.get(name), str)]
    if len(cells) < len(COLUMNS):
        missing = next(name for name in COLUMNS if name not in values)
        return _refused(missing, f"{missing} is missing", known)
    return cells


def _shown(name: str) -> str:
    return name if _nameable(name) else ""


def _wrong_type(name: str, reward_id: str = "") -> Unreadable:
    return _refused(name, f"{name} is not a string", reward_id)


def _refused(name: str, message: str, reward_id: str = "") -> Unreadable:
    return Unreadable(Refusal(ErrorCode.FIELD_INVALID, name, message), reward_id)
