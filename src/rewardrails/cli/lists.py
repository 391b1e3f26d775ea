"""`rewardrails lists`: destinations that may not, or only may, be paid."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from cyclopts import App
from rich.table import Table

from rewardrails import clock
from rewardrails.api.schemas.address_lists import AddressListOut
from rewardrails.cli.moments import Moment
from rewardrails.cli.needs import needs
from rewardrails.cli.output import duration, table
from rewardrails.cli.session import Here
from rewardrails.domain.policy.case import ListKind
from rewardrails.domain.policy.rules import Rules
from rewardrails.engine.addresses import LoadedList
from rewardrails.security.scopes import Scope

app = App(name="lists", help="Lists of destinations: sanctions, deny, allow. Kept as digests; entries never come out.")


@app.command
@needs(Scope.COMPLY)
async def load(
    file: Path, *, name: str, kind: ListKind, source: str, dated: Moment | None = None, session: Here
) -> None:
    """Put a list in force in place of the one of the same name. Held payouts are judged again.

    Parameters
    ----------
    file
        One destination a line (# begins a comment), or the XML in which OFAC publishes its lists.
    name
        What the list is called.
    kind
        What it means to be on it.
    source
        Where the file comes from.
    dated
        When its source made it: a day or a moment; needed unless the file says so itself.
    """
    data = await asyncio.to_thread(file.read_bytes)
    async with session.rails() as rails:
        made = await rails.gates.load_list(data, name=name, kind=kind, source=source, dated=dated)
        rules = rails.core.config.rules
    words = f"{made.name} is in force; payouts held by lists are judged again by the workers"
    session.output.show(AddressListOut.of(made), _shown([made], rules), words)


@app.command
@needs(Scope.READ)
async def show(*, session: Here) -> None:
    """Show the lists in force, and which are too old to go by."""
    async with session.rails() as rails:
        found, rules = await rails.gates.lists(), rails.core.config.rules
    faults = lists_at_fault(rules, found)
    session.output.show([AddressListOut.of(one) for one in found], _shown(found, rules), *faults)


def lists_at_fault(rules: Rules, found: Sequence[LoadedList]) -> list[str]:
    """Why destinations that must be screened cannot be: sanctions lists too old, or none; nothing where none must be."""
    screened = sorted(kind for kind, rule in rules.destinations.items() if rule.screened)
    if not screened:
        return []
    stops = f"every payout to {', '.join(screened)} is held"
    sanctions = [one for one in found if one.kind is ListKind.SANCTIONS]
    if not sanctions:
        return [f"no sanctions list is loaded: {stops}"]
    return [f"{one.name} of {one.dated:%Y-%m-%d} is too old: {stops}" for one in sanctions if _too_old(rules, one)]


def _too_old(rules: Rules, one: LoadedList) -> bool:
    return one.kind is ListKind.SANCTIONS and one.dated + rules.list_age <= clock.now()


def _shown(found: Sequence[LoadedList], rules: Rules) -> Table:
    now = clock.now()
    rows = [
        (
            one.name,
            one.kind.value,
            one.entries,
            one.dated,
            duration(max(0.0, (now - one.dated).total_seconds())),
            "TOO OLD" if _too_old(rules, one) else "",
            one.source,
            one.loaded_by,
            one.loaded_at,
            one.sha256.hex()[:12],
        )
        for one in found
    ]
    columns = ("name", "kind", ">entries", "dated", ">age", "", "source", "loaded by", "loaded", "file SHA-256")
    return table("Lists", columns, rows)
