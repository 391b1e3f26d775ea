"""`rewardrails manual`: the queue that people pay by hand."""

import csv
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from rewardrails.api.schemas.manual import ManualOut
from rewardrails.cli.bank_file import bank_file
from rewardrails.cli.csv_cells import safe_cell
from rewardrails.cli.exits import ExitCode
from rewardrails.cli.manual_files import Answer, export_queue, import_results
from rewardrails.cli.needs import needs
from rewardrails.cli.output import money, table
from rewardrails.cli.session import Here
from rewardrails.security.scopes import Scope

app = App(name="manual", help="Payouts that people pay by hand.")
app.command(bank_file, name="bank-file")
SHOWN_REFUSALS = 50
_COLUMNS = ("payout", ">amount", "kind", "destination", "memo", "reward", "player", "since")


@app.command(name="next")
@needs(Scope.REVEAL)
async def next_items(*, limit: int = 10, session: Here) -> None:
    """Show what to pay next, oldest first, with the whole destination.

    Parameters
    ----------
    limit
        How many.
    """
    async with session.rails() as rails:
        items = [ManualOut.of(rails.core, item) for item in await rails.manual_queue(limit=limit)]
    rows = [
        (
            one.payout_id,
            money(one.amount, one.asset, one.amount_minor),
            one.destination_kind,
            f"not to be paid: {one.code.value}" if one.code else one.destination,
            one.memo,
            f"{one.campaign} / {one.reward_id}",
            one.player_id,
            one.since,
        )
        for one in items
    ]
    session.output.show(items, table("To pay by hand", _COLUMNS, rows))


@app.command
@needs(Scope.MANUAL)
async def settle(payout: UUID, *, proof: str, session: Here) -> None:
    """Record that you paid it.

    Parameters
    ----------
    payout
        Its id.
    proof
        How it can be proved: a receipt, a reference.
    """
    async with session.rails() as rails:
        state = await rails.settle(payout, proof=proof)
    session.output.show({"payout_id": payout, "state": state}, f"payout {payout} is {state.value}")


@app.command
@needs(Scope.MANUAL)
async def refuse(payout: UUID, *, reason: str, session: Here) -> None:
    """Record that nobody will pay it; its money goes back to the pool.

    Parameters
    ----------
    payout
        Its id.
    reason
        Why.
    """
    async with session.rails() as rails:
        state = await rails.refuse(payout, reason=reason)
    session.output.show({"payout_id": payout, "state": state}, f"payout {payout} is {state.value}")


@app.command(name="export")
@needs(Scope.MANUAL)
async def export_file(file: Path, *, session: Here) -> None:
    """Write the whole open queue as CSV, with columns to fill in: result (paid or refused), proof, reason.

    Parameters
    ----------
    file
        Where to write it; it holds whole destinations, so only you can read it.
    """
    async with session.rails() as rails:
        written = await export_queue(rails, file)
    session.output.show(
        {"file": str(file), "payouts": written},
        f"wrote {written} payouts to {file}; fill in result and proof or reason, then: rewardrails manual import {file}",
    )


@app.command(name="import")
@needs(Scope.MANUAL)
async def import_file(
    file: Path, *, answers: Annotated[Path | None, Parameter(name="--answers")] = None, session: Here
) -> int:
    """Record the results in a CSV: payout_id, result (paid or refused), proof or reason. A repeat is taken once.

    Parameters
    ----------
    file
        The filled-in export, or any CSV with these columns; lines without a result are passed over.
    answers
        Write what became of every line into this CSV.
    """
    refused: list[Answer] = []
    counts = {"paid": 0, "failed": 0, "refused_lines": 0}
    columns = ("line", "payout_id", "state", "code", "message")
    with (answers or Path("/dev/null")).open("w", newline="", encoding="utf-8") as told:
        writer = csv.writer(told)
        writer.writerow(columns)
        async with session.rails() as rails:
            async for answer in import_results(rails, file):
                writer.writerow([safe_cell(getattr(answer, name)) for name in columns])
                if answer.state is None:
                    counts["refused_lines"] += 1
                    if len(refused) < SHOWN_REFUSALS:
                        refused.append(answer)
                else:
                    counts[answer.state] = counts.get(answer.state, 0) + 1
    rows = [(one.line, one.payout_id, one.code, one.message) for one in refused]
    words = f"recorded: {counts['paid']} paid, {counts['failed']} refused; not taken: {counts['refused_lines']}"
    shown = [table("Not taken", (">line", "payout", "code", "why"), rows)] if refused else []
    more = counts["refused_lines"] > len(refused)
    session.output.show(
        {**counts, "not_taken": refused}, *shown, *(["... more: see --answers FILE"] if more else []), words
    )
    return ExitCode.REFUSED if counts["refused_lines"] else ExitCode.OK
