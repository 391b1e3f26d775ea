"""`rewardrails findings`: what reconciliations found, for people to look into."""

from collections.abc import Mapping
from uuid import UUID

from cyclopts import App

from rewardrails.api.schemas.common import decimal
from rewardrails.api.schemas.reconciliations import FindingOut, ReconciliationOut
from rewardrails.cli.needs import needs
from rewardrails.cli.output import count, money, table
from rewardrails.cli.session import Here
from rewardrails.domain.statement import FindingKind
from rewardrails.engine import findings
from rewardrails.engine.core import Core
from rewardrails.engine.findings import Finding, FindingFilter
from rewardrails.engine.reconcile import list_runs
from rewardrails.security.scopes import Scope

app = App(name="findings", help="What reconciliations found, for people to look into.")
MEANINGS: Mapping[FindingKind, str] = {
    FindingKind.MISSING_THERE: "we say it was paid; it is not on their list",
    FindingKind.MISSING_HERE: "it carries a name of ours, and we never sent it",
    FindingKind.NOT_OURS: "somebody else paid this from our account",
    FindingKind.PAID_TWICE: "they paid one payout of ours more than once",
    FindingKind.AMOUNT_DIFFERS: "they paid another amount than we asked for",
    FindingKind.FEE_DIFFERS: "they charged another fee than we booked",
    FindingKind.STATE_DIFFERS: "it ended there in another way than here",
}


@app.command(name="list")
@needs(Scope.READ)
async def list_findings(
    *,
    provider: str | None = None,
    kind: FindingKind | None = None,
    closed: bool = False,
    limit: int = 50,
    session: Here,
) -> None:
    """Show what is open, newest first.

    Parameters
    ----------
    provider
        Of this provider alone.
    kind
        Of this kind alone.
    closed
        Show what is closed instead.
    limit
        How many at most.
    """
    wanted = FindingFilter(provider=provider, kind=kind, is_open=not closed)
    async with session.rails() as rails:
        found = await findings.list_findings(rails.core, wanted, limit=limit)
        rows = [
            (one.id, one.provider, one.kind.value, _amount(rails.core, one), one.payout_id, one.found_at)
            for one in found
        ]
    columns = ("id", "provider", "kind", ">amount", "payout", "found")
    title = "Closed findings" if closed else "Findings"
    session.output.show([FindingOut.of(one) for one in found], table(title, columns, rows))


@app.command
@needs(Scope.READ)
async def show(finding: UUID, *, session: Here) -> None:
    """Show one finding: both sides, and payouts of the same amount that it may be about.

    Parameters
    ----------
    finding
        Its id.
    """
    async with session.rails() as rails:
        found = await findings.read_finding(rails.core, finding)
        hints = await findings.suggestions(rails.core, found)
    names = sorted({*found.theirs, *found.ours})
    sides = table("", ("", "there", "here"), [(name, found.theirs.get(name), found.ours.get(name)) for name in names])
    words = [f"{found.provider}: {MEANINGS[found.kind]} ({found.kind.value})"]
    if found.payout_id:
        words.append(f"payout {found.payout_id}: rewardrails payouts show {found.payout_id}")
    words += [f"may be payout {one}: the amount is the same, nothing else is known" for one in hints]
    if found.closed_at:
        words.append(f"closed by {found.closed_by} at {found.closed_at:%Y-%m-%d %H:%M}Z: {found.reason}")
    session.output.show({"finding": FindingOut.of(found), "suggestions": hints}, sides, *words)


@app.command
@needs(Scope.TREASURY)
async def close(finding: UUID, *, reason: str, session: Here) -> None:
    """Close a finding once you know what it was. No money is moved, and the same difference is not told again.

    Parameters
    ----------
    finding
        Its id.
    reason
        What it was, and what was done about it.
    """
    async with session.rails() as rails:
        closed = await findings.close_finding(rails.core, finding, reason=reason, actor=rails.actor)
    session.output.show(FindingOut.of(closed), f"finding {closed.id} is closed")


@app.command
@needs(Scope.READ)
async def runs(*, provider: str | None = None, limit: int = 20, session: Here) -> None:
    """Show the last reconciliations, newest first.

    Parameters
    ----------
    provider
        Of this provider alone.
    limit
        How many at most.
    """
    async with session.rails() as rails:
        found = await list_runs(rails.core, provider=provider, limit=limit)
    rows = [
        (
            one.created_at,
            one.provider,
            one.source.value,
            one.code.value if one.code else one.state,
            one.items,
            one.matched,
            one.found,
            one.opened,
            one.closed,
            one.started_by,
        )
        for one in found
    ]
    columns = ("begun", "provider", "source", "state", ">there", ">matched", ">different", ">new", ">settled", "by")
    shown = table("Reconciliations", columns, rows)
    session.output.show([ReconciliationOut.of(one) for one in found], shown, count(len(found), "run"))


def _amount(core: Core, finding: Finding) -> str:
    side = finding.theirs or finding.ours
    minor, asset = side.get("amount_minor"), side.get("asset")
    if minor is None or asset is None:
        return side.get("told") or ""
    return money(decimal(core, int(minor), asset), asset, minor)
