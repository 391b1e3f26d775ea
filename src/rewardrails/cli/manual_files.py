"""The manual queue as a file out, and its results as a file in."""

import csv
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TextIO
from uuid import UUID

from rewardrails.api.schemas.manual import ManualOut
from rewardrails.cli.csv_cells import safe_cell
from rewardrails.engine.manual import ManualResult
from rewardrails.errors import ErrorCode, FieldInvalid, FileInvalid, RewardRailsError
from rewardrails.facade import RewardRails

PAGE = 500
TO_FILL_IN = ("result", "proof", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one line (1 is the first below the header): the payout's state, or why nothing was recorded."""

    line: int
    payout_id: str
    state: str | None = None
    code: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    number: int
    payout_id: str
    result: ManualResult | RewardRailsError = field(repr=False)


async def export_queue(rails: RewardRails, path: Path) -> int:
    """Write the open queue, with empty columns to fill in; answers how many payouts it holds. The file is its owner's alone."""
    columns = ManualOut.__struct_fields__
    written, after = 0, None
    with _created_private(path) as file:
        writer = csv.writer(file)
        writer.writerow([*columns, *TO_FILL_IN])
        while page := await rails.manual_queue(after=after, limit=PAGE):
            for item in page:
                out = ManualOut.of(rails.core, item)
                writer.writerow([*(safe_cell(getattr(out, name)) for name in columns), *("" for _ in TO_FILL_IN)])
            written, after = written + len(page), page[-1].payout_id
    return written


async def import_results(rails: RewardRails, path: Path) -> AsyncIterator[Answer]:
    """Record the results of a file, a few hundred lines at a time; answers every line, in order.

    Lines whose result is empty are passed over: they are still to do. Raises `FileInvalid`.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        lines = _read(file)
        while part := list(islice(lines, PAGE)):
            for answer in await _record(rails, part):
                yield answer


async def _record(rails: RewardRails, part: Sequence[_Line]) -> list[Answer]:
    first: dict[UUID, int] = {}
    wanted: list[tuple[_Line, ManualResult]] = []
    answers: dict[int, Answer] = {}
    for line in part:
        result = line.result
        if isinstance(result, ManualResult) and first.setdefault(result.payout_id, line.number) != line.number:
            result = FieldInvalid(f"line {first[result.payout_id]} is about the same payout", field="payout_id")
        if isinstance(result, RewardRailsError):
            answers[line.number] = _refused(line, result)
        else:
            wanted.append((line, result))
    recorded = await rails.record([result for _, result in wanted])
    for (line, _), came in zip(wanted, recorded, strict=True):
        answers[line.number] = (
            _refused(line, came)
            if isinstance(came, RewardRailsError)
            else Answer(line=line.number, payout_id=line.payout_id, state=came.value)
        )
    return [answers[line.number] for line in part]


def _refused(line: _Line, error: RewardRailsError) -> Answer:
    return Answer(line=line.number, payout_id=line.payout_id, code=error.code.value, message=error.message)


def _read(file: Iterator[str]) -> Iterator[_Line]:
    reader = csv.DictReader(file, restval="")
    try:
        missing = {"payout_id", "result"} - set(reader.fieldnames or ())
        if missing:
            raise FileInvalid(f"the header lacks {', '.join(sorted(missing))}: start from 'rewardrails manual export'")
        for number, cells in enumerate(reader, 1):
            if (cells["result"] or "").strip():
                payout_id = (cells["payout_id"] or "").strip()
                yield _Line(number=number, payout_id=payout_id, result=_result(payout_id, cells))
    except csv.Error as error:
        raise FileInvalid(f"line {reader.line_num} is not CSV: {error}; what stands above it was recorded") from error


def _result(payout_id: str, cells: dict[str, str]) -> ManualResult | RewardRailsError:
    said = cells["result"].strip().lower()
    try:
        known = UUID(payout_id)
    except ValueError:
        return FieldInvalid("payout_id is not an id of ours", field="payout_id")
    words = (cells.get("proof") or "").strip() or (cells.get("reason") or "").strip()
    match said:
        case "paid":
            return ManualResult(payout_id=known, paid=True, words=words)
        case "refused":
            return ManualResult(payout_id=known, paid=False, words=words)
        case _:
            return RewardRailsError(
                "result is neither 'paid' nor 'refused'", field="result", code=ErrorCode.FIELD_INVALID
            )


def _created_private(path: Path) -> TextIO:
    """A file to write that only its owner can read, whatever stood there before."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(handle, 0o600)
    return os.fdopen(handle, "w", newline="", encoding="utf-8")
