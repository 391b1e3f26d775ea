"""A file of rewards, read in bounded memory: every row checked, in chunks that are the same however the bytes arrive."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from rewardrails.domain.reward import RewardRow, RowRules, validate_row
from rewardrails.domain.text import find_control
from rewardrails.errors import ErrorCode, FileInvalid, RewardRailsError
from rewardrails.intake.csv_rows import CsvParser
from rewardrails.intake.lines import Lines, Parser, Record, Unreadable, blocks, split_lines
from rewardrails.intake.ndjson_rows import NdjsonParser

ROWS_PER_CHUNK = 1000


class FileFormat(StrEnum):
    """How rewards are written down."""

    CSV = "csv"
    NDJSON = "ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a row is not taken; `field` names the column at fault, if it is one."""

    code: ErrorCode
    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class StagedRow:
    """One row of a file and its verdict; `row_no` counts records from 1, header and blank lines aside.

    `reward_id` is the text given, also of a refused row; empty where it cannot be read.
    """

    row_no: int
    reward_id: str
    verdict: RewardRow | Refusal

    @property
    def reward(self) -> RewardRow | None:
        """The checked reward, unless the row was refused."""
        return self.verdict if isinstance(self.verdict, RewardRow) else None

    @property
    def refusal(self) -> Refusal | None:
        """Why the row was refused, if it was."""
        return self.verdict if isinstance(self.verdict, Refusal) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Consecutive rows, and how far into the file they reach.

    `prefix_digest` is the SHA-256 of the file's first `bytes_consumed` bytes: up to the next row, for the last chunk the
    whole file.
    """

    rows: tuple[StagedRow, ...]
    bytes_consumed: int
    prefix_digest: bytes


async def read_rows(
    data: AsyncIterable[bytes],
    file_format: FileFormat,
    rules: RowRules,
    *,
    rows_per_chunk: int = ROWS_PER_CHUNK,
    max_bytes: int | None = None,
) -> AsyncIterator[Chunk]:
    """Read a file in chunks of `rows_per_chunk` rows, the last one shorter; at least one chunk, also without rows.

    The same bytes give the same chunks. Raises `FileInvalid` when the file as a whole cannot be read or is longer than
    `max_bytes`; what was yielded before is then void.
    """
    cutter = _Cutter(_parser(file_format), rules, rows_per_chunk)
    async for block in blocks(data):
        if max_bytes is not None and cutter.bytes_given + len(block) > max_bytes:
            raise FileInvalid(f"the file is longer than {max_bytes} bytes: split it")
        for chunk in cutter.feed(block):
            yield chunk
    for chunk in cutter.finish():
        yield chunk


def _parser(file_format: FileFormat) -> Parser:
    match file_format:
        case FileFormat.CSV:
            return CsvParser()
        case FileFormat.NDJSON:
            return NdjsonParser()
        case _:
            assert_never(file_format)


class _Cutter:
    """Judges records and cuts them into chunks; a chunk ends where the next row begins."""

    def __init__(self, parser: Parser, rules: RowRules, rows_per_chunk: int) -> None:
        self._parser = parser
        self._rules = rules
        self._rows_per_chunk = rows_per_chunk
        self._rest = b""
        self._lines_before = 0
        self._row_no = 0
        self._rows: list[StagedRow] = []
        self._digest = hashlib.sha256()
        self._bytes_consumed = 0

    @property
    def bytes_given(self) -> int:
        """Bytes taken in so far."""
        return self._bytes_consumed + len(self._rest)

    def feed(self, block: bytes, *, at_end: bool = False) -> Iterator[Chunk]:
        """Take in whole lines and yield the chunks they complete."""
        whole = self._rest + block
        lines = split_lines(whole, self._lines_before + 1)
        given, done = memoryview(whole), 0
        for start, record in self._parser.records(lines, at_end=at_end):
            if len(self._rows) == self._rows_per_chunk:
                given = self._consume(given, lines, done, start)
                done = start
                yield self._cut()
            self._rows.append(self._judge(record))
        given = self._consume(given, lines, done, self._parser.consumed)
        self._rest = bytes(given)
        self._lines_before += self._parser.consumed

    def finish(self) -> Iterator[Chunk]:
        """Yield what is left when the file has ended."""
        yield from self.feed(b"", at_end=True)
        self._parser.finish()
        yield self._cut()

    def _consume(self, given: memoryview, lines: Lines, first: int, end: int) -> memoryview:
        """Count and digest lines `first` to `end`, with which `given` begins; answers what is left of it."""
        size = sum(map(len, lines.raw[first:end])) + end - first
        used = given[:size]
        self._digest.update(used)
        self._bytes_consumed += len(used)
        return given[size:]

    def _cut(self) -> Chunk:
        rows, self._rows = tuple(self._rows), []
        return Chunk(rows=rows, bytes_consumed=self._bytes_consumed, prefix_digest=self._digest.digest())

    def _judge(self, record: Record) -> StagedRow:
        self._row_no += 1
        if isinstance(record, Unreadable):
            return self._refused(record.reward_id, record.fault)
        try:
            reward = validate_row(record, self._rules)
        except RewardRailsError as error:
            return self._refused(record[0], error)
        return StagedRow(self._row_no, reward.reward_id, reward)

    def _refused(self, reward_id: str, error: RewardRailsError) -> StagedRow:
        given = reward_id.strip()
        readable = len(given) <= self._rules.max_field_length and not find_control(given)
        refusal = Refusal(code=error.code, field=error.field, message=error.message)
        return StagedRow(self._row_no, given if readable else "", refusal)
