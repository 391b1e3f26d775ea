"""CSV as spreadsheets and hurried exports write it."""

import csv
import io
from collections.abc import Sequence

import pytest

from rewardrails.domain.reward import COLUMNS
from rewardrails.errors import ErrorCode, FileInvalid
from rewardrails.intake.lines import MAX_RECORD_BYTES
from tests.unit.intake.test_reader import GOOD, HEADER, rows

NOTE = "s7-2,telegram:43,season-7,25.00,USD,DE,manual_note,seat 5,"


def table(*lines: str, newline: str = "\n") -> str:
    return newline.join((HEADER, *lines)) + newline


def written(cells: Sequence[Sequence[str]], **dialect: object) -> str:
    out = io.StringIO()
    csv.writer(out, **dialect).writerows(cells)  # type: ignore[arg-type]
    return out.getvalue()


async def verdicts(content: str | bytes) -> list[str]:
    return [row.refusal.code.value if row.refusal else "" for row in await rows(content)]
