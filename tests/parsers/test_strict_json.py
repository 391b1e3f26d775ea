"""Vendors' JSON has one reading or none."""

import json

import msgspec
import pytest

from rewardrails.providers import strict_json


class Notice(msgspec.Struct):
    amount: str
    inner: dict[str, str] = {}


DECODER = msgspec.json.Decoder(Notice)
TWICE = (
    '{"amount": "1", "amount": "2"}',
    '{"amount": "1", "am\\u006funt": "2"}',
    '{"amount": "1", "inner": {"a": "1", "a": "1"}}',
    '{"amount": "1", "unknown": {"a": 1, "b": [{"c": 1, "c": 2}]}}',
    '{"amount": "1", "unknown": 1, "unknown": 1}',
)
NO_JSON = (
    b"",
    b'{"amount": "1"',
    b'{"amount": "1"} {}',
    b'{"amount": "1", "unknown": NaN}',
    b'{"amount": "1", "unknown": -Infinity}',
    b'{"amount": "1", "unknown": "\xff"}',
    b'{"amount": "1", "unknown": "\\ud800"}',
    b'\xef\xbb\xbf{"amount": "1"}',
    b"{'amount': '1'}",
    b'{"amount": "1",}',
    b'{"amount": "1", "unknown": ' + b"[" * 100_000,
    b'{"amount": "1", "unknown": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    '{"amount": "1"}'.encode("utf-16"),
)


@pytest.mark.promise("G4")
@pytest.mark.parametrize("text", TWICE)
def test_a_key_that_comes_twice_is_refused_wherever_it_stands(text: str) -> None:
    assert json.loads(text)  # other readers take one of the two

    with pytest.raises(msgspec.DecodeError):
        strict_json.decode(DECODER, text.encode())


@pytest.mark.parametrize("raw", NO_JSON)
def test_what_is_no_json_is_refused_by_one_type(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        strict_json.decode(DECODER, raw)


@pytest.mark.parametrize(
    "more", ['"x": 1', f'"x": {"9" * 100_000}', '"x": 1e999999999', '"x": {"amount": "2"}', '"é": "\\u0000"']
)
def test_what_has_one_reading_is_read_whatever_else_it_holds(more: str) -> None:
    assert strict_json.decode(DECODER, f'{{{more}, "amount": "1"}}'.encode()) == Notice(amount="1")


def test_another_shape_is_named() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"amount"):
        strict_json.decode(DECODER, b'{"amount": 1}')
