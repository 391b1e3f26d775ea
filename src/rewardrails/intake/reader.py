"""A reward file as checked rows, in chunks that are the same for the same bytes, however the bytes arrive.

Row 1 is the first after the header; blank lines have no number. A row that cannot be read is refused alone. What a
record is, and how reading goes on after a broken one, stands in `rewardrails.intake.records`.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterator
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple, assert_never

from rewardrails.domain.reward import COLUMNS, RewardRow, RowRules, validate_row
from rewardrails.errors import RewardRailsError
from rewardrails.intake.csv_rows import CsvRows
from rewardrails.intake.ndjson_rows import NdjsonRows
from rewardrails.intake.records import MAX_RECORD_BYTES, Cells, RecordCutter, Refusal, RowDecoder, Unreadable

__all__ = ["MAX_RECORD_BYTES", "Chunk", "FileFormat", "Refusal", "StagedRow", "read_rows"]

_BLOCK_BYTES = 2 * MAX_RECORD_BYTES


class FileFormat(StrEnum):
    """How a reward file is written."""

    CSV = "csv"
    NDJSON = "ndjson"


class StagedRow(NamedTuple):
    """A row of a file: a reward or a refusal, never both; `reward_id` is empty where it cannot be told."""

    row_no: int
    reward: RewardRow | None
    refusal: Refusal | None
    reward_id: str


class Chunk(NamedTuple):
    """Rows in file order, and the file up to the end of the last of them: its length and its SHA-256 (32 bytes)."""

    rows: list[StagedRow]
    bytes_consumed: int
    prefix_digest: bytes


async def read_rows(
    data: AsyncIterable[bytes], file_format: FileFormat, rules: RowRules, *, chunk_rows: int = 5000
) -> AsyncIterator[Chunk]:
    """Read a file in bounded memory: chunks of `chunk_rows` rows, a last one of at most as many.

    The last chunk covers the file to its end; a file without rows is one empty chunk. Raises `FileInvalid` for a CSV
    file without a usable header.
    """
    staging = _Staging(file_format, rules, chunk_rows)
    async for block in _blocks(data):
        for chunk in staging.feed(block, final=False):
            yield chunk
    for chunk in staging.feed(b"", final=True):
        yield chunk
    yield staging.last_chunk()


async def _blocks(data: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in fewer, larger pieces: what is left of a record is looked at once a piece."""
    gathered = bytearray()
    async for piece in data:
        gathered += piece
        if len(gathered) >= _BLOCK_BYTES:
            for start in range(0, len(gathered), _BLOCK_BYTES):
                yield bytes(gathered[start : start + _BLOCK_BYTES])
            gathered.clear()
    yield bytes(gathered)


class _Staging:
    """The state between two blocks of one file."""

    def __init__(self, file_format: FileFormat, rules: RowRules, chunk_rows: int) -> None:
        self._cutter = RecordCutter(with_quotes=file_format is FileFormat.CSV)
        self._decoder = _decoder(file_format)
        self._rules = rules
        self._chunk_rows = chunk_rows
        self._rows: list[StagedRow] = []
        self._full: Chunk | None = None  # held back until it is known whether it is the last
        self._row_no = 0
        self._rest = b""
        self._digest = sha256()
        self._digested = 0

    def feed(self, block: bytes, *, final: bool) -> Iterator[Chunk]:
        """The chunks that are known to be complete and not the last. Raises `FileInvalid`."""
        buffer = self._rest + block
        offset = self._digested
        for record, end in self._cutter.cut(buffer, final=final):
            row = self._decoder.decode(record)
            if row is None:
                continue
            if self._full is not None:
                full, self._full = self._full, None
                yield full
            self._row_no += 1
            self._rows.append(_stage(self._row_no, row, self._rules))
            if len(self._rows) == self._chunk_rows:
                self._advance(buffer, offset, end)
                self._full = self._chunk()
        self._advance(buffer, offset, self._cutter.position)
        self._rest = buffer[self._cutter.position :]

    def last_chunk(self) -> Chunk:
        """What is left at the end of the file. Raises `FileInvalid`."""
        self._decoder.finish()
        if self._full is not None:
            self._rows = self._full.rows
        return self._chunk()

    def _advance(self, buffer: bytes, offset: int, end: int) -> None:
        self._digest.update(memoryview(buffer)[self._digested - offset : end])
        self._digested = offset + end

    def _chunk(self) -> Chunk:
        rows, self._rows = self._rows, []
        return Chunk(rows, self._digested, self._digest.digest())


def _decoder(file_format: FileFormat) -> RowDecoder:
    match file_format:
        case FileFormat.CSV:
            return CsvRows()
        case FileFormat.NDJSON:
            return NdjsonRows()
        case _:
            assert_never(file_format)


def _stage(row_no: int, row: Cells | Unreadable, rules: RowRules) -> StagedRow:
    if isinstance(row, Unreadable):
        return StagedRow(row_no, None, row.refusal, _printable(row.reward_id, rules))
    try:
        reward = validate_row(row, rules)
    except RewardRailsError as error:
        refusal = Refusal(error.code, error.field or "", error.message)
        # Cells of a short or long row may have moved; the first one cannot have.
        return StagedRow(row_no, None, refusal, _printable(row[COLUMNS.index("reward_id")], rules))
    return StagedRow(row_no, reward, None, reward.reward_id)


def _printable(reward_id: str, rules: RowRules) -> str:
    """The id of a refused row if it can be stored and shown at all, else nothing."""
    stripped = reward_id.strip()
    return stripped if len(stripped) <= rules.max_field_length and stripped.isprintable() else ""
