"""What is wrong with a configuration, in plain words, with the line it stands on."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rewardrails.config import file as written
from rewardrails.config import shapes
from rewardrails.config.locate import Path, line_of
from rewardrails.errors import ConfigInvalid

_IN_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be a text in quotes",
    "list_type": "must be a list in square brackets",
    "dict_type": "must be a table",
    "model_type": "must be a table",
}
_PATTERNS_IN_WORDS: Mapping[str, str] = {
    shapes.NAME_PATTERN: "is not a name: up to 63 letters, digits and _ . : - are, a letter or digit first",
    shapes.JURISDICTION_PATTERN: 'is not a jurisdiction: write upper-case codes such as "DE" or "US-CA"',
    shapes.PUBLIC_KEY_PATTERN: "is not a public key: write its 64 hexadecimal digits, as 'rewardrails audit public-key' does",
    shapes.DECIMALS_PATTERN: 'is not an amount: write a plain decimal in quotes, as in "0.25"',
}


class Problem(NamedTuple):
    """One thing that is wrong: at which key, and what."""

    where: Path
    words: str


def unknown_name(what: str, name: str, known: Collection[str]) -> str:
    """That `name` refers to nothing, and the nearest name that is there, else all of them."""
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there is {', '.join(sorted(known)) or 'none'}"
    return f"there is no {what} called {name!r}{hint}"


def shape_problems(error: ValidationError) -> list[Problem]:
    """What does not fit the file's shape; values do not appear, for one may be a secret in the wrong place."""
    return [_shape_problem(one) for one in error.errors(include_input=False, include_url=False)]


def refusal(problems: Iterable[Problem], text: str, source: str) -> ConfigInvalid:
    """One error that tells every problem in the order of lines; field, file and line are those of the first."""
    told = sorted(((line_of(text, where) or 0, where, words) for where, words in problems), key=lambda one: one[0])
    lines = [f"{_dotted(where)}: {words}" if where else words for _, where, words in told]
    places = [f"{source}:{line}" if line else source for line, _, _ in told]
    others = "".join(f"\n  {place}: {words}" for place, words in zip(places[1:], lines[1:], strict=True))
    return ConfigInvalid(lines[0] + others, field=_dotted(told[0][1]), file=source, line=told[0][0] or None)


def _shape_problem(error: ErrorDetails) -> Problem:
    where = tuple(part for part in error["loc"] if part != "[key]")
    kind = error["type"]
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(where[-1]), _names_at(where[:-1]), 1)
        return Problem(where, "is not a known key" + (f"; did you mean {near[0]!r}?" if near else ""))
    if kind == "string_pattern_mismatch":
        return Problem(where, _PATTERNS_IN_WORDS[error["ctx"]["pattern"]])
    message = error["msg"]
    return Problem(where, _IN_WORDS.get(kind, message[0].lower() + message[1:]))


def _names_at(where: Path) -> list[str]:
    """Keys that the table at `where` may have."""
    table: type[BaseModel] = written.File
    for part in where:
        field = table.model_fields.get(str(part))
        # What is no field is a name that somebody chose, or a place in a list: the same table goes on.
        if field is not None:
            inner = _table_in(field.annotation)
            if inner is None:
                return []
            table = inner
    return list(table.model_fields)


def _table_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        if (found := _table_in(inner)) is not None:
            return found
    return None


def _dotted(where: Path) -> str:
    return ".".join(str(part) for part in where)
