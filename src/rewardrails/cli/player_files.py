"""Reports about players: from the cells of a CSV or from options, judged as the API judges them."""

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rewardrails.api.schemas.players import CheckIn, ChecksIn, RiskIn, RisksIn
from rewardrails.cli.moments import read_moment
from rewardrails.domain.policy.case import CheckKind, CheckResult
from rewardrails.engine.erase import ErasureRequest
from rewardrails.engine.players import CheckReport, RiskReport
from rewardrails.errors import FieldInvalid, FileInvalid, RewardRailsError

MAX_LINES = 100_000
_SHOWN = 20
_Report = TypeVar("_Report", CheckReport, RiskReport, ErasureRequest)


def read_checks(path: Path) -> list[CheckReport]:
    """Every check of a file. Raises `FileInvalid` naming the lines at fault; then none is meant to be taken."""
    return _read(path, ("player_id", "kind", "result", "reference", "expires_at"), check_of)


def read_risks(path: Path) -> list[RiskReport]:
    """Every risk score of a file. Raises `FileInvalid` naming the lines at fault."""
    return _read(path, ("player_id", "score", "expires_at"), _risk_of_line)


def read_erasures(path: Path) -> list[ErasureRequest]:
    """Every erasure of a file. Raises `FileInvalid` naming the lines at fault."""
    return _read(path, ("player_id", "reason"), _erasure_of_line)


def check_of(cells: Mapping[str, Any]) -> CheckReport:
    """One check. Raises `FieldInvalid`."""
    wanted = {**_known(cells, CheckIn), **_moment(cells)}
    (report,) = ChecksIn(reports=[_converted(wanted, CheckIn)]).read()
    if report.kind is CheckKind.AGE and report.result is CheckResult.PASSED and report.age is None:
        raise FieldInvalid("age: an age check that passed says which age it proves", field="age")
    return report


def risk_of(cells: Mapping[str, Any]) -> RiskReport:
    """One risk score. Raises `FieldInvalid`."""
    wanted = {**_known(cells, RiskIn), **_moment(cells)}
    (report,) = RisksIn(reports=[_converted(wanted, RiskIn)]).read()
    return report


def _risk_of_line(cells: Mapping[str, Any]) -> RiskReport:
    reasons = [reason.strip() for reason in cells.get("reasons", "").split(";") if reason.strip()]
    return risk_of({**cells, "reasons": reasons})


def _erasure_of_line(cells: Mapping[str, Any]) -> ErasureRequest:
    for name in ("player_id", "reason"):
        if not cells.get(name):
            raise FieldInvalid(f"{name}: must not be empty", field=name)
    return ErasureRequest(player_id=cells["player_id"], reason=cells["reason"])


def _read(path: Path, columns: tuple[str, ...], report_of: Callable[[Mapping[str, Any]], _Report]) -> list[_Report]:
    reports: list[_Report] = []
    faults: list[str] = []
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        for number, cells in _lines(file, columns):
            try:
                reports.append(report_of(cells))
            except RewardRailsError as error:
                faults.append(f"line {number}: {error.message}")
            if number > MAX_LINES:
                raise FileInvalid(f"the file has more than {MAX_LINES} lines: send it in parts; nothing was taken")
    if faults:
        unsaid: list[str] = [f"... and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise FileInvalid("\n  ".join([f"lines at fault: {len(faults)}; nothing was taken", *faults[:_SHOWN], *unsaid]))
    if not reports:
        raise FileInvalid("the file has no line below its header")
    return reports


def _lines(file: Iterator[str], columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines with their number (2 is the first below the header, as an editor counts when no cell holds a line break)."""
    reader = csv.DictReader(file, restval="", restkey="")
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise FileInvalid(f"the header lacks {', '.join(missing)}; it needs {','.join(columns)}")
        for cells in reader:
            yield reader.line_num, {name: str(value).strip() for name, value in cells.items() if name}
    except csv.Error as error:
        raise FileInvalid(f"line {reader.line_num} is not CSV: {error}; nothing was taken") from error


def _known(cells: Mapping[str, Any], struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {name: cells[name] for name in struct.__struct_fields__ if cells.get(name) not in (None, "")}


def _moment(cells: Mapping[str, Any]) -> dict[str, Any]:
    """The moment of a line as the API takes it; nothing where the cell is empty."""
    value = cells.get("expires_at")
    return {"expires_at": read_moment(value, "expires_at")} if isinstance(value, str) and value else {}


_In = TypeVar("_In", CheckIn, RiskIn)


def _converted(cells: Mapping[str, Any], struct: type[_In]) -> _In:
    try:
        return msgspec.convert(cells, struct, strict=False)
    except msgspec.ValidationError as error:
        words, _, where = str(error).partition(" - at ")
        field = where.strip("`").removeprefix("$.")
        raise FieldInvalid(f"{field}: {words}" if field else words, field=field or None) from None
