"""`rewardrails payouts explain` and `holds`: why payouts stand where they stand."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter
from rich.table import Table

from rewardrails import clock
from rewardrails.api.schemas.holds import ExplanationOut, OpenHoldOut
from rewardrails.cli.needs import needs
from rewardrails.cli.output import cell, money, table
from rewardrails.cli.session import Here
from rewardrails.domain.policy.verdict import Outcome, Owner, Verdict
from rewardrails.engine import holds_list
from rewardrails.engine.explain import Explanation, HoldView
from rewardrails.security.scopes import Scope

_MARKS = {Outcome.PASS: "✓", Outcome.APPROVE: "…", Outcome.HOLD: "✗"}
_OPEN_COLUMNS = ("gate", "why", "whose turn", "since", "decide by")


@needs(Scope.READ)
async def explain(payout: UUID, *, session: Here) -> None:
    """Say why a payout stands where it stands: what each gate says of it now, what held it, what its player may be told.

    Parameters
    ----------
    payout
        Its id.
    """
    async with session.rails() as rails:
        found = await rails.gates.explain(payout)
        if not await session.sees_words(rails.core):
            found = found.without_words()
    session.output.show(ExplanationOut.of(found), *story(found))


@needs(Scope.READ)
async def list_holds(
    *,
    owner: Owner | None = None,
    overdue: Annotated[bool, Parameter(negative="")] = False,
    limit: int = 50,
    session: Here,
) -> None:
    """Show what stops payouts now, oldest first, and whose turn it is.

    Parameters
    ----------
    owner
        Whose turn it is.
    overdue
        Only those past their deadline.
    limit
        How many.
    """
    async with session.rails() as rails:
        wanted = await holds_list.open_holds(rails.core, owner=owner, overdue=overdue or None, limit=limit)
        whole = await session.sees_words(rails.core)
        found = [OpenHoldOut.of(rails.core, one, whole=whole) for one in wanted]
    rows = [
        (
            one.payout_id,
            one.gate,
            one.why,
            one.owner.value,
            money(one.amount, one.asset, one.amount_minor),
            one.player_id,
            one.opened_at,
            f"{cell(one.deadline_at)} OVERDUE" if one.overdue else one.deadline_at,
        )
        for one in found
    ]
    columns = ("payout", "gate", "why", "whose turn", ">amount", "player", "since", "decide by")
    more = [f"there may be more: --limit {2 * limit}"] if len(found) == limit else []
    session.output.show(found, table("Holds", columns, rows), *more)


def holding(holds: Sequence[HoldView]) -> list[Table]:
    """What stops a payout now, as a table; nothing where nothing does."""
    stops = [one for one in holds if one.closed_at is None]
    rows = [(one.gate, one.why, one.owner, one.opened_at, _until(one)) for one in stops]
    return [table("Held by", _OPEN_COLUMNS, rows)] if rows else []


def story(found: Explanation) -> list[Table | str]:
    """A payout's explanation for people: every gate, every hold, and what its player may be told."""
    rows = [(_MARKS[one.outcome], one.gate, _why(one), one.next_step) for one in found.verdicts]
    shown: list[Table | str] = [
        f"payout {found.payout_id} is {found.state.value}",
        table("What each gate says now", ("", "gate", "why", "next"), rows),
    ]
    if found.holds:
        shown.append(_holds(found.holds))
    shown.append(f"\na player may be told: {found.player_text}")
    return shown


def _why(verdict: Verdict) -> str:
    return verdict.why or ", ".join(f"{name}: {said}" for name, said in verdict.inputs.items())


def _holds(holds: Sequence[HoldView]) -> Table:
    rows = [
        (one.gate, one.why, one.owner, one.opened_at, _until(one), one.closed_at, one.closed_by, one.reason)
        for one in holds
    ]
    return table("Holds", (*_OPEN_COLUMNS, "closed", "by", "reason"), rows)


def _until(hold: HoldView) -> object:
    if hold.closed_at is None and hold.deadline_at is not None and hold.deadline_at < clock.now():
        return f"OVERDUE since {hold.deadline_at:%Y-%m-%d %H:%M}Z"
    return hold.deadline_at
