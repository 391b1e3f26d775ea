"""A CSV file's rows are accepted or refused one by one; only a header that cannot be used refuses the file."""

import random

import pytest

from rewardrails.domain.reward import COLUMNS
from rewardrails.errors import FileInvalid
from rewardrails.intake.reader import FileFormat
from tests.unit.intake.examples import HEADER, cells, chunks_of, line, refused, rows_of

NAMES = list(COLUMNS)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
async def test_marks_line_ends_and_blank_lines_make_no_difference(mark: bytes, newline: bytes) -> None:
    data = mark + b"\n" + HEADER + line(1) + b"\n  \n" + line(2)

    rows = await rows_of(data.replace(b"\n", newline), FileFormat.CSV)

    assert [(row.row_no, row.reward_id) for row in rows] == [(1, "r-1"), (2, "r-2")]
    assert not refused(rows)


async def test_the_last_line_needs_no_end() -> None:
    rows = await rows_of(HEADER + line(1).rstrip(), FileFormat.CSV)

    assert [row.reward_id for row in rows if row.reward] == ["r-1"]


async def test_columns_may_stand_in_any_order() -> None:
    order = random.Random(3).sample(NAMES, len(NAMES))
    body = ",".join(cells(1, memo="seat 4")[name] for name in order)

    (row,) = await rows_of(f"{','.join(order)}\n{body}\n".encode(), FileFormat.CSV)

    assert row.reward is not None
    assert (row.reward.player_id, row.reward.destination.memo) == ("player:1", "seat 4")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n\n", "empty"),
        (HEADER.replace(b",asset", b""), "lacks the column asset"),
        (HEADER.replace(b",memo", b",memo,asset"), "column asset twice"),
        (HEADER.replace(b",memo", b",memo,colour"), "unknown column colour"),
        (HEADER.replace(b",memo", b",memo,"), "unknown column number 10"),
        (HEADER.replace(b",memo", b",memo,\xff"), "unknown column number 10"),
        (HEADER.replace(b",", b";"), "lacks the column reward_id"),
        (HEADER.decode().encode("utf-16"), "lacks the column reward_id"),
        (HEADER.replace(b"\n", b"\r") + line(1), "lacks the column"),
        (b'"' + HEADER + line(1), "lacks the column reward_id"),
    ],
)
async def test_a_header_that_cannot_be_used_refuses_the_file(data: bytes, said: str) -> None:
    with pytest.raises(FileInvalid, match=said):
        await chunks_of(data, FileFormat.CSV)


async def test_a_file_without_header_does_not_have_its_first_reward_quoted() -> None:
    with pytest.raises(FileInvalid) as raised:
        await chunks_of(line(1, destination="someone@example.org"), FileFormat.CSV)

    assert "someone" not in str(raised.value)
    assert "player" not in str(raised.value).replace("player_id", "")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (line(2, player_id="p\udcff"), "player_id"),
        (line(2, memo="\udced\udca0\udc80"), "memo"),
        (line(2, player_id="a\x00b"), "player_id"),
        (line(2, player_id='"two\nlines"'), "player_id"),
        (line(2, memo="a\rb"), ""),
        (line(2, memo='"a"\rb'), ""),
        (line(2, memo="one,more"), ""),
        (b"r-2,player:2\n", ""),
        (b"\x00\n", ""),
        (line(2, memo='"' + "m" * 70_000 + '"'), ""),
        (line(2, memo="m" * 200_000), ""),
        (line(2, memo='"never closed'), ""),
    ],
)
async def test_a_bad_row_is_refused_alone(bad: bytes, field: str) -> None:
    rows = await rows_of(HEADER + line(1) + bad + line(3), FileFormat.CSV)

    assert refused(rows) == [(2, "field_invalid", field)]
    assert [row.reward.reward_id for row in rows if row.reward] == ["r-1", "r-3"]


async def test_an_unclosed_quote_does_not_swallow_the_file() -> None:
    many = b"".join(line(number) for number in range(3, 3000))

    rows = await rows_of(HEADER + line(1) + line(2, memo='"open') + many, FileFormat.CSV)

    assert refused(rows) == [(2, "field_invalid", "")]
    assert len(rows) == 2999


async def test_a_memo_may_hold_quotes_commas_and_line_ends() -> None:
    memo = '"line one\nline two, ""quoted"""'

    (row,) = await rows_of(HEADER + line(1, memo=memo), FileFormat.CSV)

    assert row.reward is not None
    assert row.reward.destination.memo == 'line one\nline two, "quoted"'


async def test_a_refused_row_keeps_its_id_only_where_it_is_certain_and_can_be_shown() -> None:
    rows = await rows_of(
        HEADER + b"r-1,short\n" + line(2, reward_id="r\x07") + line(3, reward_id="r" * 5000) + line(4, amount="x"),
        FileFormat.CSV,
    )
    swapped = await rows_of(b"memo," + HEADER.replace(b",memo", b"") + b"someone@example.org,r-1\n", FileFormat.CSV)

    assert [row.reward_id for row in rows] == ["r-1", "", "", "r-4"]
    assert [row.reward_id for row in swapped] == [""]
