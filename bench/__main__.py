"""`python -m bench`: one table, medians of interleaved rounds, each figure beside its yardstick."""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import uvloop
from cyclopts import App
from rich.console import Console
from rich.table import Table

from bench import backlog, measures, vendors
from bench.figure import Figure, Measure, Sizes
from bench.world import median
from rewardrails.observability import log
from rewardrails.store.embedded import EmbeddedPostgres

FULL = Sizes(file_rows=100_000, payouts=20_000, posts=10_000, backlog=1_000_000, plain=1_000, vendor=500)
QUICK = Sizes(file_rows=20_000, payouts=4_000, posts=3_000, backlog=100_000, plain=300, vendor=100)
MILLION = 1_000_000
RESULTS = Path(__file__).parent / "results.json"
MEASURES: Mapping[str, Measure] = {
    "a": measures.intake,
    "b1": measures.life_with_one_worker,
    "b2": measures.life_with_two_workers,
    "c": measures.life_with_delivery,
    "d": measures.single_creates,
    "e": measures.webhook_intake,
    "f": backlog.claims,
    "g": measures.plain_worker,
    "h": measures.life_behind_gates,
    "v": vendors.each_vendor,
    "w": vendors.one_away,
}
app = App(help=__doc__)


@app.default
def main(*, quick: bool = False, only: str = "", rounds: int = 3, million: bool = False) -> None:
    """Measure.

    `quick`: small and once. `only`: letters, as in a,b1. `million`: also stage 1,000,000 rows and tell the peak memory.
    """
    log.configure(level="ERROR")
    wanted = [key for key in MEASURES if not only or {key, key[0]} & set(only.split(","))]
    found = uvloop.run(_measure(wanted, QUICK if quick else FULL, 1 if quick else rounds))
    console = Console(width=120)
    console.print(_rates(found))
    console.print(_cpu(found))
    if million:
        console.print(f"{MILLION:,} rows staged: at most {measures.million_rows_in(MILLION)} MB")


async def _measure(wanted: Sequence[str], sizes: Sizes, rounds: int) -> dict[str, list[Figure]]:
    """The figures by what they are of, one a round; kept in `RESULTS` after each measure."""
    found: dict[str, list[Figure]] = {}
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres.start(Path(folder) / "pg") as server:
        for _ in range(rounds):
            for key in wanted:
                for figure in await MEASURES[key](server, sizes):
                    found.setdefault(f"{key}: {figure.what}", []).append(figure)
                _keep(found)
    return found


def _keep(found: Mapping[str, Sequence[Figure]]) -> None:
    RESULTS.write_text(json.dumps({what: [asdict(one) for one in ones] for what, ones in found.items()}, indent=1))


def _rates(found: Mapping[str, Sequence[Figure]]) -> Table:
    table = Table(title="Medians of interleaved rounds; every process and PostgreSQL share this machine")
    _head(table, ("what", "ours", "beside", "figure", "ratio", "rounds"))
    for what, ones in found.items():
        ours, limit = median([one.ours for one in ones]), median([one.limit for one in ones])
        ratio = median([one.ours / one.limit for one in ones])
        table.add_row(what, _short(ours), ones[0].beside, _short(limit), f"{ratio:.2f}", str(len(ones)))
    return table


def _cpu(found: Mapping[str, Sequence[Figure]]) -> Table:
    """Where the processors' time goes, and how many a second it allows when they do nothing else."""
    measured = {what: ones for what, ones in found.items() if ones[0].cpu}
    names = list(dict.fromkeys(name for ones in measured.values() for name in ones[0].cpu))
    cores = os.cpu_count() or 1
    table = Table(title="Processor time, microseconds each (PostgreSQL: its connections alone)")
    _head(table, ("what", *names, "all", f"allows on {cores}, /s"))
    for what, ones in measured.items():
        each = {name: median([one.cpu[name] for one in ones]) for name in ones[0].cpu}
        total = sum(each.values())
        allowed = f"{cores * 1e6 / total:,.0f}" if total else ""
        table.add_row(what, *(f"{each[name]:.0f}" if name in each else "" for name in names), f"{total:.0f}", allowed)
    return table


def _head(table: Table, headings: Iterable[str]) -> None:
    for heading in headings:
        table.add_column(heading, justify="left" if heading in {"what", "beside"} else "right")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value > 99 else f"{value:.1f}"


if __name__ == "__main__":
    app()
