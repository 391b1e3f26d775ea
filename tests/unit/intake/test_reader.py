"""Files of rewards: whole seasons, chunks that do not depend on how the bytes arrive, and what holds for every format."""

import asyncio
import csv
import hashlib
import json
import tracemalloc
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardrails.domain.reward import COLUMNS
from rewardrails.errors import ErrorCode, FileInvalid
from rewardrails.intake.lines import MAX_LINE_BYTES
from rewardrails.intake.reader import Chunk, FileFormat, StagedRow, read_rows
from tests.support.reward_files import DATA, GOOD, HEADER, chunks, rows, rules

SEASONS = ["season-7", "season-8", "season-9"]


def as_ndjson(content: bytes) -> bytes:
    """A season's rows as JSON lines; rows of a wrong number of columns keep theirs."""
    text = content.decode("utf-8-sig", "surrogateescape")
    lines = [
        json.dumps(dict(zip(COLUMNS, cells, strict=False))) for cells in list(csv.reader(text.splitlines(True)))[1:]
    ]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("name", SEASONS)
async def test_every_row_of_a_season_gets_its_expected_verdict(name: str) -> None:
    with (DATA / f"{name}.expected.csv").open(newline="", encoding="utf-8") as file:
        expected = list(csv.DictReader(file))

    found = await rows((DATA / f"{name}.csv").read_bytes())

    assert [(row.row_no, row.reward_id) for row in found] == [(int(one["row"]), one["reward_id"]) for one in expected]
    wrong = [
        (row.row_no, row.refusal, one["code"])
        for row, one in zip(found, expected, strict=True)
        # Whether a reward came before is known to the database alone.
        if (row.refusal.code if row.refusal else "") != one["code"].replace(ErrorCode.IDEMPOTENCY_KEY_REUSED, "")
    ]
    assert wrong == []


@pytest.mark.parametrize("name", SEASONS)
@pytest.mark.parametrize("piece", [1, 1021])
async def test_season_gives_the_same_chunks_however_it_arrives(name: str, piece: int) -> None:
    content = (DATA / f"{name}.csv").read_bytes()
    assert await chunks(content, piece=piece, rows_per_chunk=100) == await chunks(content, rows_per_chunk=100)


async def test_row_says_either_the_reward_or_the_refusal() -> None:
    good, bad = await rows(f"{HEADER}\n{GOOD}\n{GOOD.replace('25.00', '-1')}\n")

    assert good.reward is good.verdict
    assert good.refusal is None
    assert bad.reward is None
    assert bad.refusal is bad.verdict
    assert (bad.refusal.code, bad.refusal.field) == (ErrorCode.AMOUNT_INVALID, "amount")


async def test_chunks_have_their_size_and_tell_how_far_they_reach() -> None:
    content = f"{HEADER}\r\n{f'{GOOD}{chr(13)}{chr(10)}' * 7}\r\n\r\n".encode()

    found = await chunks(content, rows_per_chunk=3)

    assert [[row.row_no for row in chunk.rows] for chunk in found] == [[1, 2, 3], [4, 5, 6], [7]]
    for chunk in found:
        assert chunk.prefix_digest == hashlib.sha256(content[: chunk.bytes_consumed]).digest()
    assert found[-1].bytes_consumed == len(content)


async def test_last_full_chunk_reaches_to_the_end_of_the_file() -> None:
    """No empty chunk follows it, so that what is stored of an interrupted file compares equal later."""
    content = f"{HEADER}\n{GOOD}\n{GOOD}\n\n\n".encode()
    (only,) = await chunks(content, rows_per_chunk=2)
    assert (len(only.rows), only.bytes_consumed) == (2, len(content))


@pytest.mark.parametrize(("content", "file_format"), [(HEADER, FileFormat.CSV), ("", FileFormat.NDJSON)])
async def test_file_without_rows_is_one_empty_chunk(content: str, file_format: FileFormat) -> None:
    (only,) = await chunks(content, file_format)
    assert only == Chunk(rows=(), bytes_consumed=len(content), prefix_digest=hashlib.sha256(content.encode()).digest())


async def test_longer_file_has_the_chunks_of_the_shorter_one_before_its_own() -> None:
    """An interrupted upload goes on by this."""
    content = (DATA / "season-7.csv").read_bytes()
    lines = content.split(b"\r\n")
    started = await chunks(b"\r\n".join(lines[:700]) + b"\r\n", rows_per_chunk=50)
    assert started[:-1] == (await chunks(content, rows_per_chunk=50))[: len(started) - 1]


@pytest.mark.promise("G8")
@pytest.mark.parametrize("file_format", FileFormat)
async def test_endless_line_is_refused_before_it_fills_the_memory(file_format: FileFormat) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while given < 8 * 1024**2:
            given += 65536
            yield b"x" * 65536

    with pytest.raises(FileInvalid, match="longer than"):
        async for _ in read_rows(endless(), file_format, rules()):
            pass
    assert given < 2 * 1024**2


async def test_endless_line_is_named_by_its_number() -> None:
    lines = [HEADER, *[GOOD] * 10_000, "x" * (MAX_LINE_BYTES + 1)]
    with pytest.raises(FileInvalid, match=r"^line 10002 is longer"):
        await chunks("\n".join(lines))


async def test_file_longer_than_allowed_is_refused() -> None:
    content = f"{HEADER}\n{GOOD}\n"
    assert await chunks(content, max_bytes=len(content))
    with pytest.raises(FileInvalid, match=f"longer than {len(content) - 1} bytes"):
        await chunks(content, max_bytes=len(content) - 1)


async def test_error_of_the_sender_ends_the_reading() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield f"{HEADER}\n{GOOD}\n".encode()
        raise ConnectionResetError

    reading = read_rows(broken(), FileFormat.CSV, rules())
    with pytest.raises(ConnectionResetError):
        await anext(reading)  # no chunk: what has not ended is not told as if it had


@pytest.mark.promise("G8")
async def test_long_file_is_read_in_bounded_memory() -> None:
    row = f"{GOOD}{'m' * 900}\n".encode()
    given = 0

    async def long_file() -> AsyncIterator[bytes]:
        nonlocal given
        yield f"{HEADER}\n".encode()
        for _ in range(400):
            given += 64 * len(row)
            yield row * 64

    tracemalloc.start()
    try:
        async for chunk in read_rows(long_file(), FileFormat.CSV, rules(), rows_per_chunk=100):
            assert chunk.rows[0].reward
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < given / 5


@pytest.mark.promise("G6")
@pytest.mark.parametrize("name", SEASONS)
async def test_refusal_repeats_nothing_that_the_row_says_of_a_player(name: str) -> None:
    content = (DATA / f"{name}.csv").read_bytes()
    text = content.decode("utf-8-sig", "surrogateescape")
    cells = list(csv.reader(text.splitlines(keepends=True)))[1:]
    personal = [COLUMNS.index(column) for column in ("player_id", "destination", "memo")]
    for given_cells, row in zip(cells, await rows(content), strict=True):
        told = row.refusal.message if row.refusal else ""
        shown = [given_cells[at] for at in personal if len(given_cells) > at and given_cells[at].strip()]
        assert not [text for text in shown if text in told]


pieces_of_files = st.lists(
    st.sampled_from(
        [
            HEADER.encode(),
            GOOD.encode(),
            b"\n",
            b"\r\n",
            b"\r",
            b'"',
            b'""',
            b",",
            b"\xff",
            b"\xef\xbb\xbf",
            b"\xe2\x82",
            b"\x00",
            b'{"reward_id": "a"',
            b"}",
            b"[" * 2000,
            b"x" * 70_000,
            "İ😀".encode(),
        ]
    )
    | st.binary(max_size=8),
    max_size=30,
)


@given(pieces_of_files, st.booleans(), st.sampled_from(FileFormat), st.integers(1, 300_000), st.integers(1, 4))
def test_any_bytes_are_read_or_refused_the_same_way_however_they_arrive(
    parts: list[bytes], has_header: bool, file_format: FileFormat, piece: int, rows_per_chunk: int
) -> None:
    content = (HEADER.encode() + b"\n" if has_header else b"") + b"".join(parts)
    piece = max(piece, len(content) // 500)

    def outcome(size: int) -> list[Chunk] | type[FileInvalid]:
        try:
            return asyncio.run(chunks(content, file_format, piece=size, rows_per_chunk=rows_per_chunk))
        except FileInvalid:
            return FileInvalid

    found = outcome(len(content) + 1)
    assert outcome(piece) == found
    if isinstance(found, list):
        numbers = [row.row_no for chunk in found for row in chunk.rows]
        assert numbers == list(range(1, len(numbers) + 1))
        assert found[-1].prefix_digest == hashlib.sha256(content).digest()


@pytest.mark.parametrize("name", SEASONS)
async def test_season_as_json_lines_has_the_same_rewards(name: str) -> None:
    content = (DATA / f"{name}.csv").read_bytes()

    from_csv = await rows(content)
    from_json = await rows(as_ndjson(content), FileFormat.NDJSON)

    # Cells beyond the columns, and missing memos, have no counterpart in JSON.
    comparable = [
        (one, other) for one, other in zip(from_csv, from_json, strict=True) if "columns" not in _message(one)
    ]
    assert len(comparable) > 2000
    assert all(_verdict(one) == _verdict(other) for one, other in comparable)


def _message(row: StagedRow) -> str:
    return row.refusal.message if row.refusal else ""


def _verdict(row: StagedRow) -> object:
    return row.reward or (row.refusal and row.refusal.code)
