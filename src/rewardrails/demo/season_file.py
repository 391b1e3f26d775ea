"""The season's reward list: a sample as a game would export it, with the mess that real exports carry."""

import csv
import io
from collections.abc import Iterator
from importlib.resources import files
from itertools import count, islice
from pathlib import Path

SAMPLE = "season-7.csv"


def write_season(folder: Path, rows: int | None) -> Path:
    """The file with the first `rows` of the sample (None: all of it), written unless it is there from an earlier run.

    More rows than the sample has are the sample again, under other reward ids.
    """
    path = folder / ("season-7.csv" if rows is None else f"season-7-{rows}.csv")
    if path.exists():
        return path
    unfinished = path.with_suffix(".part")
    sample = files("rewardrails.demo").joinpath(SAMPLE).read_bytes()
    if rows is None:
        unfinished.write_bytes(sample)
    else:
        _write(unfinished, sample, rows)
    unfinished.rename(path)
    return path


def _write(path: Path, sample: bytes, rows: int) -> None:
    # The sample holds bytes that are not UTF-8, on purpose: they go through as they are.
    header, *body = csv.reader(io.StringIO(sample.decode("utf-8", "surrogateescape"), newline=""))
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(islice(_rounds(body), rows))


def _rounds(body: list[list[str]]) -> Iterator[list[str]]:
    for number in count():
        for row in body:
            yield row if number == 0 or not row[0] else [f"{row[0]}-{number}", *row[1:]]
