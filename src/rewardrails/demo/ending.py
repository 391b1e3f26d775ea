"""The table at the end."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from rewardrails.cli.explain import story
from rewardrails.cli.output import table
from rewardrails.demo.story import Ended
from rewardrails.domain.assets import format_amount
from rewardrails.engine.request import RequestVerdict
from rewardrails.ledger.posting import Pool

NAMED = 5


def show(console: Console, end: Ended) -> None:
    """Print how it went."""
    for part in (_rows(end), _states(end), _pools(end), _gates(end), *_example(end), _reckoning(end)):
        console.print()
        console.print(part)


def _rows(end: Ended) -> Table:
    counts: dict[tuple[str, str], int] = {}
    for line in end.totals.lines:
        key = (line.verdict.value, line.code or "")
        counts[key] = counts.get(key, 0) + line.rows
    order = [verdict.value for verdict in RequestVerdict]
    rows = [(*key, count) for key, count in sorted(counts.items(), key=lambda one: (order.index(one[0][0]), one[0][1]))]
    return table(f"Rows of {end.begun.file.name}", ("verdict", "code", ">rows"), rows)


def _states(end: Ended) -> Table:
    rows = [
        (line.state, line.asset, line.payouts, format_amount(line.amount_minor, _exponent(end, line.asset)))
        for line in end.totals.payouts
    ]
    return table("Payouts", ("state", "asset", ">payouts", ">amount"), rows)


def _pools(end: Ended) -> Table:
    columns = ("pool", "asset", "", ">available", ">reserved", ">paid", ">fees", ">suspense")
    rows = [
        row
        for name, after in end.pools.items()
        for row in (
            (name, after.asset, "before", *_balances(end.begun.pools[name])),
            ("", "", "after", *_balances(after)),
        )
    ]
    return table("Pools", columns, rows)


def _gates(end: Ended) -> Table:
    rows: list[tuple[object, ...]] = [(one.gate, one.ever, one.now) for one in end.stopped.gates]
    rows.append(("approval, by two people", end.stopped.approved_by_two, ""))
    return table("Gates: payouts that were stopped, and those that still are", ("gate", ">ever", ">now"), rows)


def _example(end: Ended) -> Iterable[Table | str]:
    """One hit on a list, as 'rewardrails payouts explain' shows it."""
    if end.stopped.example is not None:
        for part in story(end.stopped.example):
            yield part.strip() if isinstance(part, str) else part


def _reckoning(end: Ended) -> Table:
    found = end.reckoning
    ended = end.payouts.still - end.begun.payouts.still
    rate = ended / end.seconds if end.seconds else 0.0
    new = end.payouts.payouts - end.begun.payouts.payouts
    earlier = f", {end.begun.payouts.payouts} of earlier runs" if end.begun.payouts.payouts else ""
    rows = [
        ("payouts in all", f"{new} new{earlier}"),
        ("came to their end in this run", ended),
        ("accepted by the fake providers", f"{found.accepted_there}, of which paid {found.paid_there}"),
        ("double pays (providers' journals, per reward)", _names(found.double_paid)),
        ("losses", found.losses),
        ("  accepted rows without a payout", found.without_payout),
        ("  payouts without an end or a flag", _names(found.without_end)),
        ("  paid there, not here", _names(found.paid_there_not_here)),
        ("  paid here, not there", _names(found.paid_here_not_there)),
        ("  another amount there", _names(found.other_amount)),
        ("flagged for people (held, outcome unknown)", found.flagged),
        ("books balance", "yes" if not found.broken_books else f"NO: {'; '.join(found.broken_books)}"),
        ("elapsed, with the delays the providers are set to", f"{end.seconds:.1f} s, {rate:.0f} payouts/s"),
    ]
    return table("Reckoning: " + ("all is right" if found.is_right else "SOMETHING IS WRONG"), ("", ""), rows)


def _names(rewards: Iterable[str]) -> str:
    names = sorted(rewards)
    shown = ", ".join(names[:NAMED]) + (" ..." if len(names) > NAMED else "")
    return f"{len(names)}" + (f": {shown}" if names else "")


def _balances(pool: Pool) -> tuple[str, ...]:
    figures = (pool.available, pool.reserved, pool.paid, pool.fees, pool.suspense)
    return tuple(format_amount(figure, pool.exponent) for figure in figures)


def _exponent(end: Ended, asset: str) -> int:
    return next((pool.exponent for pool in end.pools.values() if pool.asset == asset), 0)
