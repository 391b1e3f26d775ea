"""CSV that a spreadsheet opens without running anything in it."""

import csv
import io
from collections.abc import Iterable

# The last four are full-width forms, which some spreadsheets read alike.
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")


def csv_line(cells: Iterable[object]) -> str:
    """One line with its line end; None is an empty cell."""
    text = io.StringIO()
    csv.writer(text).writerow(map(safe_cell, cells))
    return text.getvalue()


def safe_cell(value: object) -> str:
    """A value as cell text; one that a spreadsheet would take for a formula gets an apostrophe in front."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS_A_FORMULA) else text
