"""Every line that is not one plain object of nine strings is refused alone, with the field at fault."""

import json

import pytest

from rewardrails.intake.reader import FileFormat
from tests.unit.intake.examples import cells, chunks_of, refused, rows_of


def object_line(number: int, **changes: object) -> bytes:
    return json.dumps({**cells(number), **changes}).encode() + b"\n"


def raw(text: str) -> bytes:
    """A reward whose amount is written as `text`."""
    return object_line(2, amount="@").replace(b'"@"', text.encode("utf-8", "surrogateescape"))


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in cells(2).items() if key != name}).encode() + b"\n"


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (raw("25"), "amount"),
        (raw("null"), "amount"),
        (raw("true"), "amount"),
        (raw("NaN"), "amount"),
        (raw("-Infinity"), "amount"),
        (raw("1" * 6000), "amount"),
        (raw("1e999999999"), "amount"),
        (raw("[" * 20_000 + "]" * 20_000), "amount"),
        (raw('{"a":' * 9_000 + "1" + "}" * 9_000), "amount"),
        (raw('{"amount": "25.00"}'), "amount"),
        (raw('"25.00", "amount": "26.00"'), "amount"),
        (raw('"25.00'), "amount"),
        (raw('"25\udcff"'), "amount"),
        (raw('"25\\ud800"'), "amount"),
        (raw('"25\x00"'), "amount"),
        (raw('"\\u0000"'), "amount"),
        (raw('"25.00", "reward_id": "r-9"'), "reward_id"),
        (object_line(2, colour="red"), "colour"),
        (object_line(2, **{"a name\u2028": "red"}), ""),
        (object_line(2, memo="m" * 70_000), ""),
        (without("amount"), "amount"),
        (without("reward_id"), "reward_id"),
        (b'"text"\n', ""),
        (b"[]\n", ""),
        (b"[" * 30_000 + b"\n", ""),
        (b"{}{}\n", ""),
        (b"{\n", ""),
        (b"\xff\xfe\n", ""),
        (b"\x00\n", ""),
    ],
)
async def test_a_bad_line_is_refused_alone(bad: bytes, field: str) -> None:
    rows = await rows_of(object_line(1) + bad + object_line(3), FileFormat.NDJSON)

    ((row_no, code, named),) = refused(rows)
    assert (row_no, named) == (2, field)
    assert code in {"field_invalid", "amount_invalid"}
    assert [row.reward.reward_id for row in rows if row.reward] == ["r-1", "r-3"]


async def test_an_amount_that_is_a_number_is_a_malformed_field() -> None:
    assert refused(await rows_of(raw("25.00"), FileFormat.NDJSON)) == [(1, "field_invalid", "amount")]


async def test_marks_blank_lines_and_a_missing_memo_make_no_difference() -> None:
    data = b"\xef\xbb\xbf" + object_line(1) + b"\r\n\n" + without("memo").rstrip()

    rows = await rows_of(data, FileFormat.NDJSON)

    assert [(row.row_no, row.reward_id) for row in rows if row.reward] == [(1, "r-1"), (2, "r-2")]


async def test_an_empty_file_is_one_empty_chunk() -> None:
    (chunk,) = await chunks_of(b"", FileFormat.NDJSON)

    assert (chunk.rows, chunk.bytes_consumed) == ([], 0)


async def test_a_refused_line_keeps_its_id_unless_two_are_given() -> None:
    rows = await rows_of(raw("25") + raw('"1", "reward_id": "r-9"') + raw('"'), FileFormat.NDJSON)

    assert [row.reward_id for row in rows] == ["r-2", "", ""]
