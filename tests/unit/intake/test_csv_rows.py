"""CSV as spreadsheets and hurried exports write it."""

import csv
import io
import random
from collections.abc import AsyncIterator, Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardrails.domain.reward import COLUMNS
from rewardrails.errors import FileInvalid
from rewardrails.intake.csv_rows import CsvParser
from rewardrails.intake.lines import BLOCK_BYTES, MAX_RECORD_BYTES, Unreadable, split_lines
from rewardrails.intake.reader import FileFormat, read_rows
from tests.support.reward_files import DATA, GOOD, HEADER, chunks, rows, rules, verdicts

REFUSED = "field_invalid"
NOTE = "s7-2,telegram:43,season-7,25.00,USD,DE,manual_note,seat 5,"


def table(*lines: str, newline: str = "\n") -> str:
    return newline.join((HEADER, *lines)) + newline


def written(cells: Sequence[Sequence[str]], *, quoting: int = csv.QUOTE_MINIMAL, newline: str = "\r\n") -> str:
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator=newline).writerows(cells)
    return out.getvalue()


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("last_newline", [True, False])
async def test_byte_order_mark_and_kind_of_line_end_make_no_difference(
    bom: str, newline: str, last_newline: bool
) -> None:
    content = bom + table(GOOD, NOTE, newline=newline)
    found = await rows(content if last_newline else content.removesuffix(newline))
    assert [row.verdict for row in found] == [row.verdict for row in await rows(table(GOOD, NOTE))]
    assert all(row.reward for row in found)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
async def test_quoted_memo_keeps_its_line_ends_commas_and_quotes(newline: str) -> None:
    memo = f'line one{newline}line two, "quoted"{newline}{newline}end'
    first, second = await rows(table(f'{NOTE}"{memo.replace(chr(34), chr(34) * 2)}"', GOOD))
    assert first.reward is not None
    assert first.reward.destination.memo == memo
    assert second.reward is not None


async def test_columns_may_come_in_any_order() -> None:
    cells = dict(zip(COLUMNS, NOTE.split(","), strict=True))
    (expected,) = await rows(table(NOTE))
    for order in random.Random(1).sample(list(permutations(COLUMNS)), 50):
        (found,) = await rows(written([order, [cells[name] for name in order]]))
        assert found == expected


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), min_size=9, max_size=9)))
def test_what_a_csv_writer_writes_is_read_back(cells: list[list[str]]) -> None:
    # Outside quotes a lone carriage return is a line end to some and text to others; writers quote it.
    content = written([COLUMNS, *cells], quoting=csv.QUOTE_ALL).encode()
    parser = CsvParser()
    read = [list(record) for _, record in parser.records(split_lines(content, 1), at_end=True) if record]
    assert read == cells


@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC])
async def test_every_way_of_quoting_gives_the_same_rows(quoting: int) -> None:
    text = (DATA / "season-7.csv").read_bytes().decode("utf-8-sig", "surrogateescape")
    again = written(list(csv.reader(text.splitlines(keepends=True))), quoting=quoting)
    assert await rows(again.encode("utf-8", "surrogateescape")) == await rows((DATA / "season-7.csv").read_bytes())


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"])
@pytest.mark.parametrize("quote", [b"", b'"'])
async def test_bytes_that_are_not_utf8_refuse_their_row_alone(bad: bytes, quote: bytes) -> None:
    broken = GOOD.encode().replace(b"telegram:42", quote + b"telegram:" + bad + quote)
    lines = [HEADER.encode(), GOOD.encode(), broken, GOOD.encode(), broken]
    assert await verdicts(b"\n".join(lines)) == ["", REFUSED, "", REFUSED]


@pytest.mark.parametrize("line", ["a", "a,b", GOOD + ",surplus", GOOD.rpartition(",")[0], ",,,,,,,,", "\x00", '""'])
async def test_wrong_number_of_columns_or_empty_ones_refuse_their_row_alone(line: str) -> None:
    assert await verdicts(table(GOOD, line, GOOD)) == ["", REFUSED, ""]


async def test_blank_lines_are_no_rows() -> None:
    found = await rows("\n\r\n" + table("", GOOD, "\r", " \t ", "  \r", NOTE, "", ""))
    assert [(row.row_no, row.refusal) for row in found] == [(1, None), (2, None)]


@pytest.mark.parametrize(
    ("change", "reward_id"),
    [
        (("DE,email_gift", "DE"), "s7-1"),
        (("player1@", '"player1"@'), "s7-1"),
        (("25.00", "-1"), "s7-1"),
        (("s7-1", "s7-\x011"), ""),
        (("s7-1", "s" * 1001), ""),
        (("s7-1", '"s7-1"x'), ""),
        (("s7-1", " s7-1 "), "s7-1"),
    ],
)
async def test_refused_row_tells_its_reward_id_where_that_can_be_read(change: tuple[str, str], reward_id: str) -> None:
    (found,) = await rows(table(GOOD.replace("25.00", "-1").replace(*change, 1)))
    assert found.refusal is not None
    assert found.reward_id == reward_id


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (HEADER.replace("asset,", ""), "line 1: column 'asset' is missing"),
        (HEADER + ",colour", "line 1: column 'colour' is not known"),
        (HEADER + ",asset", "line 1: column 'asset' comes twice"),
        (HEADER.replace("memo", "Memo"), "column 'Memo' is not known; column 'memo' is missing"),
        (HEADER + ",", "column number 10 is not known"),
        (HEADER + ',"x\ny"', "column number 10 is not known"),
        (GOOD, "line 1: this is no header"),
        (HEADER.replace(",", ";"), "with commas between them"),
        ('"' + HEADER, "quotes are wrong"),
        ('"reward_id"x', "quotes are wrong"),
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
    ],
)
async def test_header_that_is_not_ours_is_refused_saying_which_column(header: str, words: str) -> None:
    with pytest.raises(FileInvalid, match=words):
        await rows(f"{header}\n" if header else "")


@pytest.mark.promise("G6")
async def test_file_without_a_header_does_not_put_a_players_data_into_the_message() -> None:
    with pytest.raises(FileInvalid) as caught:
        await rows(f"{GOOD}\n{GOOD}\n")
    assert "player1" not in caught.value.message
    with pytest.raises(FileInvalid) as caught:
        await rows(f"{HEADER},player1@example.com\n")
    assert "player1" not in caught.value.message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
async def test_other_encodings_are_told_apart_from_bad_rows(encoding: str) -> None:
    with pytest.raises(FileInvalid, match="as UTF-8"):
        await rows(table(GOOD).encode(encoding))


@pytest.mark.parametrize(
    "line",
    [
        's7-9,"tele"gram:1,season-7,25.00,USD,DE,email_gift,a@example.com,',
        's7-9,telegram:1,season-7,25.00,USD,DE,manual_note,seat 5,"said "hi" to me"',
    ],
)
@pytest.mark.parametrize("after", [3, 5000])
async def test_wrong_quotes_within_one_line_refuse_it_alone(line: str, after: int) -> None:
    with_quotes = f'{NOTE}"line one\nline two, ""quoted"""'
    found = await verdicts(table(GOOD, line, *[GOOD] * after, with_quotes, GOOD))
    assert found == ["", REFUSED, *[""] * (after + 2)]


async def test_quotes_inside_an_unquoted_cell_are_text() -> None:
    (found,) = await rows(table(NOTE.replace("seat 5", 'the 5" screen')))
    assert found.reward is not None
    assert found.reward.destination.value == 'the 5" screen'


async def test_long_quoted_record_is_one_refused_row() -> None:
    text = f"{'m' * 200}\n" * 400
    assert len(text) < MAX_RECORD_BYTES
    assert await verdicts(table(f'{NOTE}"{text}"', GOOD)) == [REFUSED, ""]


HIDDEN = "s7-forged,telegram:1,season-7,4999.00,USD,DE,email_gift,thief@example.com,"


@pytest.mark.parametrize(
    "line",
    [
        '"s7-9,telegram:1,season-7,25.00,USD,DE,email_gift,a@example.com,',
        's7-9,"telegram:1,season-7,25.00,USD,DE,email_gift,a@example.com,',
        's7-9,telegram:1,season-7,25.00,USD,DE,email_gift,a@example.com,"',
    ],
)
@pytest.mark.parametrize("after", [1, 3, 5000])
async def test_quote_that_reaches_into_the_lines_below_makes_the_file_unreadable(line: str, after: int) -> None:
    """Which of them are rows and which are text, nobody can tell."""
    with pytest.raises(FileInvalid, match=r"^line 3 opens a quote"):
        await rows(table(GOOD, line, *[GOOD] * after))


@pytest.mark.promise("G4", "G7")
@pytest.mark.parametrize("end", ["", '"', '",', '"\r', '"x'])
@pytest.mark.parametrize("lines", [1, 10, 2 * MAX_RECORD_BYTES // 200])
async def test_rows_that_a_player_hid_in_a_note_never_become_rewards(lines: int, end: str) -> None:
    """Neither in a file that is cut off inside the note, nor in one whose note is longer than a record may be."""
    note = ("m" * 200 + "\n") * lines + f"{HIDDEN}\n{HIDDEN}\n"
    content = table(GOOD, f'{NOTE}"{note}{end}')
    try:
        found = await rows(content)
    except FileInvalid:
        return
    assert not any(row.reward and row.reward.reward_id == "s7-forged" for row in found)


async def test_line_numbers_go_on_from_block_to_block() -> None:
    rows_before = 3 * BLOCK_BYTES // len(GOOD)
    content = table(*[GOOD] * rows_before, f'{NOTE}"{"m" * 99}', *["m" * 99] * (MAX_RECORD_BYTES // 99), '"')
    with pytest.raises(FileInvalid, match=f"^line {rows_before + 2} opens a quote"):
        await chunks(content)


async def test_open_quote_is_told_without_reading_the_rest_of_the_file() -> None:
    given = 0

    async def after_an_open_quote() -> AsyncIterator[bytes]:
        nonlocal given
        yield table(f'{NOTE}"open').encode()
        for _ in range(100):
            given += 1
            yield f"{GOOD}\n".encode() * 1000

    with pytest.raises(FileInvalid):
        await anext(read_rows(after_an_open_quote(), FileFormat.CSV, rules()))
    assert given < 10


@pytest.mark.promise("G4", "G7")
async def test_rows_hidden_after_an_endless_line_never_become_rewards() -> None:
    hidden = "s7-forged,telegram:1,season-7,4999.00,USD,DE,email_gift,thief@example.com,"
    with pytest.raises(FileInvalid, match="line 2 opens a quote"):
        await rows(table(f'{NOTE}"{"m" * (MAX_RECORD_BYTES + 1)}\n{hidden}\n"', GOOD))


async def test_line_that_is_too_long_by_itself_is_refused_alone() -> None:
    line = f'{NOTE}"{"m" * (MAX_RECORD_BYTES + 1)}"'
    # The comma in quotes would look like the end of that line's field, were a quote of it taken to be open.
    assert await verdicts(table(GOOD, line, f'{NOTE}","', GOOD)) == ["", REFUSED, "", ""]


async def test_many_wrong_quotes_take_time_in_proportion_to_the_file() -> None:
    line = NOTE + '"a"b' + "x" * 60
    found = await chunks(table(*[line] * 50_000))
    assert sum(len(chunk.rows) for chunk in found) == 50_000


def test_parser_asks_again_for_a_record_that_goes_on() -> None:
    parser = CsvParser()
    lines = split_lines(table(GOOD, f'{NOTE}"goes').encode(), 1)

    assert [start for start, _ in parser.records(lines, at_end=False)] == [1]
    assert parser.consumed == 2
    (last,) = [record for _, record in parser.records(split_lines(b'a,"goes\non"\n', 3), at_end=False)]
    assert isinstance(last, Unreadable)
    assert parser.consumed == 2
