"""A bank's statement as CSV, whose columns the configuration names: banks agree on nothing there."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from hashlib import sha256

import msgspec

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.statement import StatementFile, StatementItem, Window
from rewardrails.errors import FileInvalid
from rewardrails.providers.manual.amounts import exact_money

MAX_BYTES = 64 * 1024 * 1024
MAX_LINES = 500_000
MAX_CELL = 4_096
# Our own reference, wherever in the column the bank puts it; exactly it, or nothing.
_OURS = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{32}-[1-9][0-9]{0,5}(?![0-9])")


class Outgoing(StrEnum):
    """How an amount that left the account is written."""

    NEGATIVE = "negative"
    POSITIVE = "positive"


class CsvColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names of columns, and how the bank writes. Without a column `currency` every line is in `asset`.

    `outgoing` positive is for a list of payments that left, without a sign.
    """

    date: str
    amount: str
    reference: str
    currency: str = ""
    asset: str = ""
    fee: str = ""
    id: str = ""
    date_format: str = "%Y-%m-%d"
    decimal: str = "."
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    skip_lines: int = 0
    outgoing: Outgoing = Outgoing.NEGATIVE


def read_csv_statement(data: bytes, columns: CsvColumns, exponents: Mapping[str, int]) -> StatementFile:
    """Every payment out of the account, and the days from the first to the last line. Raises `FileInvalid`."""
    if len(data) > MAX_BYTES:
        raise FileInvalid(f"the file is longer than {MAX_BYTES} bytes: split it by day")
    rows = list(_rows(data, columns))
    if not rows:
        raise FileInvalid("the file holds no line below its header: which days does it cover?")
    days = [_moment(row, columns, number) for number, row in rows]
    alike: Counter[str] = Counter()
    items = []
    for line, at in zip(rows, days, strict=True):
        item = _item(line, at, columns, exponents, alike)
        if item is not None:
            items.append(item)
    return StatementFile(covers=Window(start=min(days), end=max(days) + timedelta(days=1)), items=tuple(items))


def _rows(data: bytes, columns: CsvColumns) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        text = data.decode(columns.encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise FileInvalid(f"the file is not {columns.encoding} text: see [settings.csv] encoding") from error
    lines = io.StringIO(text, newline="")
    for _ in range(columns.skip_lines):
        lines.readline()
    reader = csv.DictReader(lines, delimiter=columns.delimiter, restval="", restkey="")
    wanted = [columns.date, columns.amount, columns.reference, columns.currency, columns.fee, columns.id]
    try:
        missing = [name for name in wanted if name and name not in (reader.fieldnames or ())]
        if missing:
            raise FileInvalid(f"the file has no column {', '.join(map(repr, missing))}: see [settings.csv]")
        for number, row in enumerate(reader, 1):
            if number > MAX_LINES:
                raise FileInvalid(f"the file holds more than {MAX_LINES} lines: split it by day")
            yield number, row
    except csv.Error as error:
        raise FileInvalid(f"the file is not CSV as configured (line {reader.line_num})") from error


def _item(
    line: tuple[int, Mapping[str, str]],
    at: datetime,
    columns: CsvColumns,
    exponents: Mapping[str, int],
    alike: Counter[str],
) -> StatementItem | None:
    number, row = line
    whole = _decimal(row[columns.amount], columns, number)
    if (whole >= 0) is (columns.outgoing is Outgoing.NEGATIVE):
        return None  # it came in, or is nothing
    asset = row[columns.currency].strip() if columns.currency else columns.asset
    cell = row[columns.reference][:MAX_CELL]
    ours = _OURS.search(cell)
    same = f"{at.date()}|{whole}|{asset}|{cell}|{row[columns.id] if columns.id else ''}"
    alike[same] += 1
    fee = _decimal(row[columns.fee], columns, number) if columns.fee and row[columns.fee].strip() else None
    return StatementItem(
        item_id=sha256(f"{same}|{alike[same]}".encode()).hexdigest()[:32],
        reference=ours[0].lower() if ours else "",
        amount=exact_money(abs(whole), asset, exponents),
        told=f"{abs(whole)} {asset}",
        fee=exact_money(abs(fee), asset, exponents) if fee is not None else None,
        status=ObservedStatus.PAID,
        at=at,
    )


def _decimal(text: str, columns: CsvColumns, number: int) -> Decimal:
    thousands = "." if columns.decimal == "," else ","
    plain = text.strip().replace(" ", "").replace("\u00a0", "").replace("'", "").replace(thousands, "")
    try:
        found = Decimal(plain.replace(columns.decimal, "."))
    except InvalidOperation as error:
        raise FileInvalid(f"line {number}: the amount is not a number as configured") from error
    if not found.is_finite():
        raise FileInvalid(f"line {number}: the amount is not a number as configured")
    return found


def _moment(row: Mapping[str, str], columns: CsvColumns, number: int) -> datetime:
    try:
        found = datetime.strptime(row[columns.date].strip(), columns.date_format).replace(tzinfo=UTC)
    except ValueError as error:
        raise FileInvalid(f"line {number}: the date is not one as configured ({columns.date_format})") from error
    return found.replace(hour=0, minute=0, second=0, microsecond=0)
