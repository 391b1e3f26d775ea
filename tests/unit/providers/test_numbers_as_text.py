"""JSON of providers for readers that would make floats of its numbers."""

import msgspec
import pytest

from rewardrails.providers.strict_json import NumberText, numbers_as_text


def test_every_number_is_the_text_that_was_written() -> None:
    read = numbers_as_text(b'{"a": 0.1, "b": [1, 1e-9, -0.10000000000000000001], "c": "7", "d": true, "e": null}')

    assert read == {"a": "0.1", "b": ["1", "1e-9", "-0.10000000000000000001"], "c": "7", "d": True, "e": None}
    assert isinstance(read, dict)
    assert isinstance(read["a"], NumberText)
    assert type(read["c"]) is str


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"[Infinity]", b"\xff\xfe", b"[" * 100_000, b"1 2"]
)
def test_what_readers_understand_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        numbers_as_text(raw)
