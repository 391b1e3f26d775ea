"""`rewardrails season`: a season's reward list, staged, started, followed and reported."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from rewardrails.api.schemas.batches import BatchDetail, BatchOut, RowOut
from rewardrails.cli.csv_cells import safe_cell
from rewardrails.cli.following import follow
from rewardrails.cli.needs import needs
from rewardrails.cli.output import Output, money, table
from rewardrails.cli.session import Here
from rewardrails.engine.batches import Batch
from rewardrails.facade import RewardRails
from rewardrails.intake.reader import FileFormat
from rewardrails.security.scopes import Scope

app = App(name="season", help="A season's reward list: staged without moving money, then started, exactly once.")


@app.command
@needs(Scope.BATCHES)
async def stage(file: Path, *, name: str = "", file_format: FileFormat | None = None, session: Here) -> None:
    """Judge every row of a file; no money moves. The same file again finds the same batch.

    Parameters
    ----------
    file
        CSV or NDJSON with one reward a row.
    name
        What the batch is called; the file's name if left out.
    file_format
        How the file is written; by its ending if left out.
    """
    async with session.rails() as rails:
        with _reading(session.output, file) as progress:
            batch = await rails.stage(file, name=name, file_format=file_format, on_bytes=progress)
        detail = await read_detail(rails, batch)
    session.output.show(detail, *tables(detail), f"nothing is paid yet; next: rewardrails season start {batch.id}")


@app.command
@needs(Scope.BATCHES)
async def start(
    batch: UUID,
    *,
    wait: Annotated[bool, Parameter(negative="")] = False,
    timeout_seconds: float = 3600.0,
    session: Here,
) -> None:
    """Let the accepted rows become payouts; running workers do it. Starting again takes up what the pool could not bear.

    Parameters
    ----------
    batch
        The batch's id.
    wait
        Stay until nothing of it moves any more without a person.
    timeout_seconds
        How long to wait at most.
    """
    async with session.rails() as rails:
        started = await rails.start(batch)
        if wait:
            await follow(rails, session.output, started, timeout_seconds=timeout_seconds)
        detail = await read_detail(rails, await rails.batch(batch))
    session.output.show(detail, *tables(detail))


@app.command
@needs(Scope.READ)
async def report(
    batch: UUID,
    *,
    csv_file: Annotated[Path | None, Parameter(name="--csv")] = None,
    wait: Annotated[bool, Parameter(negative="")] = False,
    timeout_seconds: float = 3600.0,
    session: Here,
) -> None:
    """Say what became of a batch, by verdict and by state.

    Parameters
    ----------
    batch
        The batch's id.
    csv_file
        Also write every row with its verdict and its payout's state into this file.
    wait
        Stay until nothing of it moves any more without a person.
    timeout_seconds
        How long to wait at most.
    """
    async with session.rails() as rails:
        found = await rails.batch(batch)
        if wait:
            await follow(rails, session.output, found, timeout_seconds=timeout_seconds)
        detail = await read_detail(rails, await rails.batch(batch))
        if csv_file is not None:
            rows = await _write_report(rails, batch, csv_file)
            session.output.say(f"wrote {rows} rows to {csv_file}")
    session.output.show(detail, *tables(detail))


@app.command(name="list")
@needs(Scope.READ)
async def list_batches(*, limit: int = 50, session: Here) -> None:
    """Show batches, newest first.

    Parameters
    ----------
    limit
        How many.
    """
    async with session.rails() as rails:
        found = [BatchOut.of(batch) for batch in await rails.batches(limit=limit)]
    columns = ("id", "name", "state", ">rows", "created", "by")
    rows = [(one.id, one.name, one.state.value, one.rows_staged, one.created_at, one.created_by) for one in found]
    session.output.show(found, table("Batches", columns, rows))


async def read_detail(rails: RewardRails, batch: Batch) -> BatchDetail:
    """A batch with its totals."""
    return BatchDetail.of_totals(
        rails.core, batch, await rails.batch_totals(batch.id), list(await rails.batch_needs(batch.id))
    )


def tables(detail: BatchDetail) -> Sequence[Table | str]:
    """A batch for people: verdicts, payouts by state, and need against money."""
    verdicts = [
        (one.verdict.value, one.code, one.asset, one.rows, money(one.amount, one.asset) if one.amount else "")
        for one in detail.verdicts
    ]
    shown: list[Table | str] = [
        f"batch {detail.id} ({detail.name}) is {detail.state.value}: {detail.rows_staged} rows",
        table("Rows", ("verdict", "code", "asset", ">rows", ">amount"), verdicts),
    ]
    if detail.payouts:
        states = [(one.state, one.asset, one.payouts, money(one.amount, one.asset)) for one in detail.payouts]
        shown.append(table("Payouts", ("state", "asset", ">payouts", ">amount"), states))
    if detail.needs:
        shown.append(_needs(detail))
    return shown


def _needs(detail: BatchDetail) -> Table:
    rows = [
        (
            one.asset,
            one.pool or "no pool",
            one.rows,
            money(one.needed, one.asset),
            money(one.available, one.asset),
            "yes" if one.enough else "NO: fund it first",
        )
        for one in detail.needs
    ]
    columns = ("asset", "pool", ">rows", ">still needed (fees on top)", ">available", "enough")
    return table("Need against pools", columns, rows)


@contextmanager
def _reading(output: Output, file: Path) -> Iterator[Callable[[int], None]]:
    """A bar over the bytes of a file; nothing is drawn for machines."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output.notes, disable=output.machine, transient=True) as progress:
        total = file.stat().st_size if file.exists() else None
        task = progress.add_task(f"staging {file.name}", total=total)
        yield lambda done: progress.update(task, completed=done)


async def _write_report(rails: RewardRails, batch: UUID, path: Path) -> int:
    columns = RowOut.__struct_fields__
    written = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        async for row in rails.batch_rows(batch):
            out = RowOut.of(rails.core, row)
            writer.writerow([safe_cell(getattr(out, name)) for name in columns])
            written += 1
    return written
