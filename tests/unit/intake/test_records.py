"""Records are cut where a CSV reader would cut them, whatever pieces the bytes come in."""

import csv

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rewardrails.intake.records import RecordCutter
from tests.unit.intake.examples import cut

LIMIT = 24
awkward = st.lists(st.sampled_from([b'"', b'""', b",", b"\n", b"\r\n", b"a", b" ", b"\xff", b"long" * 5])).map(b"".join)
cell = st.text(alphabet='a",\nä ', max_size=5)


def records_of(pieces: list[bytes], *, with_quotes: bool, limit: int = LIMIT) -> list[tuple[bytes | None, int]]:
    cutter = RecordCutter(with_quotes=with_quotes, max_record_bytes=limit)
    found, rest, offset = [], b"", 0
    for number, piece in enumerate(pieces, 1):
        buffer = rest + piece
        for record, end in cutter.cut(buffer, final=number == len(pieces)):
            found.append((record, offset + end))
        rest = buffer[cutter.position :]
        offset += cutter.position
        assert len(rest) < limit or not rest
    assert offset == sum(map(len, pieces))
    return found


@given(data=awkward, places=st.lists(st.integers(0, 200), max_size=20), with_quotes=st.booleans())
@example(data=b'"a\nb\nc' + b"x" * 30 + b"\nd\n", places=[1, 2, 30, 36], with_quotes=True)
@example(data=b"\xef\xbb\xbfa\n", places=[1], with_quotes=True)
def test_the_records_do_not_depend_on_the_pieces(data: bytes, places: list[int], with_quotes: bool) -> None:
    # The mark is only looked for in a first piece that is long enough to hold it.
    places = [place for place in places if place > 2]

    whole = records_of([data], with_quotes=with_quotes)

    assert records_of(cut(data, places), with_quotes=with_quotes) == whole


@given(rows=st.lists(st.lists(cell, min_size=2, max_size=4), max_size=8))
def test_well_formed_csv_is_cut_as_a_csv_reader_cuts_it(rows: list[list[str]]) -> None:
    class Written(list[str]):
        write = list.append

    written = Written()
    csv.writer(written, lineterminator="\n").writerows(rows)

    records = records_of(["".join(written).encode()], with_quotes=True, limit=1000)

    assert [next(csv.reader([record.decode()])) for record, _ in records if record is not None] == [
        row for row in rows if any(len(row) > 1 or text.strip() for text in row)
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n \t\r\n\n", []),
        (b"a\r\nb", [b"a", b"b"]),
        (b'a"b,c\nd"e\n', [b'a"b,c', b'd"e']),
        (b'"a"b"c\nd\n', [b'"a"b"c', b"d"]),
        (b'x,"a\nb"\n', [b'x,"a\nb"']),
        (b'x,"a\nb\nc\n', [None, b"b", b"c"]),
        (b'"a\nb","c\nd\n', [None, b"d"]),
        (b'"a\n' + b"b\n" * LIMIT, [None] + [b"b"] * LIMIT),
        (b"a" * (LIMIT - 1) + b"\nb\n", [b"a" * (LIMIT - 1), b"b"]),
        (b"a" * LIMIT + b"\nb\n", [None, b"b"]),
        (b"a" * LIMIT * 3, [None]),
        (b'"' + b"a" * LIMIT * 3 + b'\nb"\nc\n', [None, b'b"', b"c"]),
    ],
)
def test_a_broken_record_ends_where_reading_can_go_on(data: bytes, expected: list[bytes | None]) -> None:
    assert [record for record, _ in records_of([data], with_quotes=True)] == expected


def test_quotes_mean_nothing_where_records_are_lines() -> None:
    assert [record for record, _ in records_of([b'"a\nb"\n'], with_quotes=False)] == [b'"a', b'b"']
