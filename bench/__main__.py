"""`python -m bench`: one table, medians of interleaved rounds."""

import json
import tempfile
from pathlib import Path

import uvloop
from cyclopts import App
from rich.console import Console
from rich.table import Table

from bench import measures
from bench.measures import Figure, Measure, Sizes
from bench.world import median
from rewardrails.observability import log
from rewardrails.store.embedded import EmbeddedPostgres

FULL = Sizes(file_rows=100_000, payouts=20_000, posts=10_000, backlog=1_000_000, plain=1_000)
QUICK = Sizes(file_rows=20_000, payouts=4_000, posts=3_000, backlog=100_000, plain=300)
RESULTS = Path(__file__).parent / "results.json"
FIGURES: dict[str, tuple[str, str, Measure]] = {
    "a": ("file intake, rows/s", "SQL alone", measures.intake),
    "b1": ("whole life, one worker, payouts/s", "SQL alone", measures.life_with_one_worker),
    "b2": ("whole life, two workers, payouts/s", "SQL alone", measures.life_with_two_workers),
    "c": ("whole life and delivery, payouts/s", "SQL alone", measures.life_with_delivery),
    "d": ("single POST /v1/payouts, 64 at once, /s", "SQL in groups of 64", measures.single_creates),
    "e": ("webhook intake, 64 at once, /s", "SQL in groups of 64", measures.webhook_intake),
    "f": ("claim of 500 behind the backlog, ms", "behind 10,000", measures.claim_behind_a_backlog),
    "g": ("whole life, one worker, payouts/s", "one job, one transaction", measures.plain_worker),
}
app = App(help=__doc__)


@app.default
def main(*, quick: bool = False, only: str = "", rounds: int = 3, million: bool = False) -> None:
    """Measure.

    `quick`: small and once. `only`: letters, as in a,b1. `million`: also stage 1,000,000 rows and tell the peak memory.
    """
    log.configure(level="ERROR")
    wanted = [key for key in FIGURES if not only or key in only.split(",")]
    found = uvloop.run(_measure(wanted, QUICK if quick else FULL, 1 if quick else rounds))
    _show(found)
    RESULTS.write_text(json.dumps({key: [vars_of(one) for one in ones] for key, ones in found.items()}, indent=1))
    if million:
        Console().print(f"1,000,000 rows staged in {measures.million_rows_in(1_000_000)} MB")


def vars_of(figure: Figure) -> dict[str, float]:
    """A figure as JSON."""
    return {"ours": figure.ours, "limit": figure.limit}


async def _measure(wanted: list[str], sizes: Sizes, rounds: int) -> dict[str, list[Figure]]:
    found: dict[str, list[Figure]] = {key: [] for key in wanted}
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres.start(Path(folder) / "pg") as server:
        for _ in range(rounds):
            for key in wanted:
                found[key].append(await FIGURES[key][2](server, sizes))
    return found


def _show(found: dict[str, list[Figure]]) -> None:
    table = Table(title="Throughput: medians; client, fake provider, API, workers and PostgreSQL share this machine")
    for heading in ("what", "ours", "beside", "figure", "ratio", "rounds"):
        table.add_column(heading, justify="left" if heading in {"what", "beside"} else "right")
    for key, figures in found.items():
        what, beside, _ = FIGURES[key]
        ours, limit = median([one.ours for one in figures]), median([one.limit for one in figures])
        ratio = median([one.ours / one.limit for one in figures])
        table.add_row(
            what,
            f"{ours:,.0f}" if ours > 99 else f"{ours:.1f}",
            beside,
            f"{limit:,.0f}" if limit > 99 else f"{limit:.1f}",
            f"{ratio:.2f}",
            str(len(figures)),
        )
    Console().print(table)


if __name__ == "__main__":
    app()
