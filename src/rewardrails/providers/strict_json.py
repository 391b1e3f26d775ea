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


def _no_key_twice(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key comes twice in one object")


# Numbers stay text: a long one would cost more than the rest of the body.
_look_through = json.JSONDecoder(object_pairs_hook=_no_key_twice, parse_int=str, parse_float=str).decode
