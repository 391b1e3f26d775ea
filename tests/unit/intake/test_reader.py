"""Chunks are the same for the same bytes, whole seasons come out as expected, and memory stays bounded."""

import csv
import json
import tracemalloc
from collections.abc import AsyncIterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardrails.intake.reader import FileFormat, read_rows
from tests.unit.intake.examples import HEADER, RULES, cells, chunks_of, cut, line, rows_of

DATA = Path(__file__).parents[2] / "data"
# Found only by comparing rewards with one another, which is not the reader's work.
ACCEPTED_HERE = {"idempotency_key_reused"}


def expected_of(season: str) -> list[tuple[int, str, str]]:
    with (DATA / f"{season}.expected.csv").open(encoding="utf-8", newline="") as file:
        return [
            (int(row["row"]), row["reward_id"], "" if row["code"] in ACCEPTED_HERE else row["code"])
            for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize("season", ["season-7", "season-8", "season-9"])
async def test_a_season_comes_out_as_expected(season: str) -> None:
    rows = await rows_of((DATA / f"{season}.csv").read_bytes(), FileFormat.CSV)

    found = [(row.row_no, row.reward_id, row.refusal.code.value if row.refusal else "") for row in rows]
    assert found == expected_of(season)
    assert all((row.reward is None) == (row.refusal is not None) for row in rows)


@settings(max_examples=25, deadline=None)
@given(places=st.lists(st.integers(0, 260_000), max_size=40), chunk_rows=st.integers(1, 2500))
async def test_a_season_falls_into_the_same_chunks_in_whatever_pieces_it_comes(
    places: list[int], chunk_rows: int
) -> None:
    data = (DATA / "season-7.csv").read_bytes()[:200_000]

    whole = await chunks_of(data, FileFormat.CSV, chunk_rows)

    assert await chunks_of(cut(data, places), FileFormat.CSV, chunk_rows) == whole


@settings(max_examples=200, deadline=None)
@given(
    body=st.lists(
        st.sampled_from([line(1), line(2, memo='"a\nb"'), b"\n", b'"', b",", b"\xff", b"\x00", b"{}", b'{"memo":'])
    ).map(b"".join),
    size=st.integers(1, 50),
    file_format=st.sampled_from(FileFormat),
    chunk_rows=st.integers(1, 4),
)
async def test_chunks_cover_the_file_in_order(body: bytes, size: int, file_format: FileFormat, chunk_rows: int) -> None:
    data = HEADER + body

    chunks = await chunks_of([data[at : at + size] for at in range(0, len(data), size)], file_format, chunk_rows)

    assert chunks == await chunks_of(data, file_format, chunk_rows)
    assert all(len(chunk.rows) == chunk_rows for chunk in chunks[:-1])
    assert [row.row_no for chunk in chunks for row in chunk.rows] == list(
        range(1, sum(len(c.rows) for c in chunks) + 1)
    )
    assert all(chunk.prefix_digest == sha256(data[: chunk.bytes_consumed]).digest() for chunk in chunks)
    assert all(before.bytes_consumed < after.bytes_consumed for before, after in pairwise(chunks))
    assert chunks[-1].bytes_consumed == len(data)


@pytest.mark.parametrize("tail", [b"", b"\n\r\n \n"])
async def test_a_full_last_chunk_covers_the_blank_rest_of_the_file(tail: bytes) -> None:
    data = HEADER + line(1) + line(2) + tail

    (chunk,) = await chunks_of(data, FileFormat.CSV, 2)

    assert (len(chunk.rows), chunk.bytes_consumed) == (2, len(data))


async def test_a_chunk_ends_with_its_last_row() -> None:
    first = HEADER + line(1)

    chunk, rest = await chunks_of(first + b"\n" + line(2), FileFormat.CSV, 1)

    assert chunk.bytes_consumed == len(first)
    assert chunk.prefix_digest == sha256(first).digest()
    assert [row.row_no for row in rest.rows] == [2]


async def test_a_header_alone_is_one_empty_chunk() -> None:
    (chunk,) = await chunks_of(HEADER, FileFormat.CSV)

    assert (chunk.rows, chunk.bytes_consumed) == ([], len(HEADER))
    assert chunk.prefix_digest == sha256(HEADER).digest()


@settings(max_examples=300, deadline=None)
@given(
    changes=st.dictionaries(st.sampled_from(list(cells(1))), st.text(st.characters(), max_size=30)),
    ensure_ascii=st.booleans(),
)
async def test_no_content_of_a_row_stops_the_file(changes: dict[str, str], ensure_ascii: bool) -> None:
    bad = json.dumps({**cells(1), **changes}, ensure_ascii=ensure_ascii).encode("utf-8", "surrogatepass")
    good = json.dumps(cells(2)).encode()

    rows = await rows_of(bad + b"\n" + good, FileFormat.NDJSON)

    assert [row.reward_id for row in rows if row.row_no == 2 and row.reward] == ["r-2"]
    assert all(row.reward_id.encode() is not None for row in rows)


@settings(max_examples=300, deadline=None)
@given(noise=st.binary(max_size=200), file_format=st.sampled_from(FileFormat))
async def test_noise_is_refused_row_by_row(noise: bytes, file_format: FileFormat) -> None:
    rows = await rows_of(HEADER + noise, file_format)

    assert all(row.refusal for row in rows)


@pytest.mark.parametrize("destination", ["someone-real@", "DE00370400440532013000"])
async def test_a_refusal_repeats_no_personal_data(destination: str) -> None:
    kind, asset = ("iban", "EUR") if destination.startswith("DE") else ("email_gift", "USD")
    changes = {"destination": destination, "destination_kind": kind, "asset": asset, "player_id": "someone-real"}
    data = HEADER + line(1, **changes) + line(2, **changes, memo="surplus,cell") + line(3, **changes, memo="\udcff")

    rows = await rows_of(data, FileFormat.CSV)

    assert [row.refusal for row in rows if row.refusal and "someone" in row.refusal.message] == []
    assert [row.refusal for row in rows if row.refusal and "DE00" in row.refusal.message] == []
    assert all(row.refusal for row in rows)


async def test_a_long_file_is_read_in_bounded_memory() -> None:
    async def generated() -> AsyncIterator[bytes]:
        yield HEADER
        for start in range(0, 200_000, 500):
            yield b"".join([line(number) for number in range(start, start + 500)])

    tracemalloc.start(1)
    try:
        rows = 0
        async for chunk in read_rows(generated(), FileFormat.CSV, RULES):
            rows += len(chunk.rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert rows == 200_000
    assert peak < 50_000_000


async def test_a_line_without_end_is_not_gathered() -> None:
    async def generated() -> AsyncIterator[bytes]:
        yield HEADER
        for _ in range(800):
            yield b"x" * 65_536
        yield b"\n" + line(2)

    tracemalloc.start(1)
    try:
        rows = [row async for chunk in read_rows(generated(), FileFormat.CSV, RULES) for row in chunk.rows]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [bool(row.reward) for row in rows] == [False, True]
    assert peak < 5_000_000
