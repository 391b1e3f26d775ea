"""Vendors' JSON for adapters, read so that no two readers can understand it differently."""

import json
from typing import TypeVar

import msgspec

T = TypeVar("T")


def decode(decoder: msgspec.json.Decoder[T], raw: bytes) -> T:
    """`raw` as the decoder's type, whole, also where nobody looks: UTF-8, no key twice in one object, bounded depth.

    Of two equal keys one reader takes the first and another the last; a signed body with two amounts is therefore none.
    Raises `msgspec.DecodeError` (`msgspec.ValidationError` for JSON of another shape) and nothing else.
    """
    try:
        value = decoder.decode(raw)
        _look_through(raw.decode())
    except msgspec.MsgspecError:
        raise
    except (ValueError, RecursionError) as error:
        raise msgspec.DecodeError("the body is not JSON, is nested too deeply, or has a key twice") from error
    return value


def try_decode(decoder: msgspec.json.Decoder[T], raw: bytes) -> T | None:
    """The same; None where it cannot be read."""
    try:
        return decode(decoder, raw)
    except msgspec.DecodeError:
        return None


class NumberText(str):
    """A number as it is written; a text in quotes is a `str` alone."""

    __slots__ = ()


def numbers_as_text(raw: bytes) -> object:
    """`raw` with every number as the text it is written as (`NumberText`), for readers that would make a float of it.

    Raises `msgspec.DecodeError` for what `decode` refuses.
    """
    try:
        return _read_as_text(raw.decode())
    except (ValueError, RecursionError) as error:
        raise msgspec.DecodeError("the body is not JSON, is nested too deeply, or has a key twice") from error


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    _no_key_twice(pairs)
    return dict(pairs)


def _no_key_twice(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key comes twice in one object")


def _no_constant(text: str) -> object:
    raise ValueError(f"{text} is no number of JSON")


# Numbers stay text: a long one would cost more than the rest of the body.
_look_through = json.JSONDecoder(object_pairs_hook=_no_key_twice, parse_int=str, parse_float=str).decode
_read_as_text = json.JSONDecoder(
    object_pairs_hook=_once_each, parse_int=NumberText, parse_float=NumberText, parse_constant=_no_constant
).decode
