"""What the doctor looks at around the gates: holds nobody looked after, and facts that are about to stop payouts."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from rewardrails import clock
from rewardrails.cli.findings import Finding, Level
from rewardrails.cli.lists import lists_at_fault
from rewardrails.cli.rates import rates_at_fault
from rewardrails.domain.assets import format_amount
from rewardrails.engine.holds_list import open_holds
from rewardrails.facade import RewardRails
from rewardrails.store.sql import sql

ENDS_SOON = timedelta(days=14)
_LOOKED_THROUGH = 500


async def overdue_holds(rails: RewardRails) -> list[Finding]:
    """Holds past their deadline, by gate, each with the payout that has waited longest."""
    async with rails.core.database.reading() as connection:
        counts = {row["gate"]: row for row in await connection.fetch(sql("open_holds_by_gate"))}
    oldest = {one.gate: one for one in reversed(await open_holds(rails.core, overdue=True, limit=_LOOKED_THROUGH))}
    return [
        Finding(
            level=Level.PROBLEM,
            about=f"holds by {gate}",
            found=f"{row['overdue']} of {row['holds']} overdue",
            do=f"{one.owner.value}: rewardrails payouts explain {one.payout_id}" if (one := oldest.get(gate)) else "",
        )
        for gate, row in counts.items()
        if row["overdue"]
    ]


async def awaiting_approval(rails: RewardRails) -> list[Finding]:
    """What waits for people's word, by pool."""
    assets = rails.core.config.assets
    return [
        Finding(
            level=Level.WARNING,
            about="approvals",
            found=f"{one.payouts} payouts out of {one.pool} wait"
            + (
                f": {format_amount(one.amount_minor, assets[one.asset].exponent)} {one.asset}"
                if one.asset in assets
                else ""
            ),
            do="rewardrails approvals waiting; whoever created them cannot approve them",
        )
        for one in await rails.gates.waiting()
    ]


async def lists(rails: RewardRails) -> list[Finding]:
    """Sanctions lists that are missing or too old to go by."""
    return [
        Finding(
            level=Level.PROBLEM,
            about="sanctions lists",
            found=words,
            do="rewardrails lists load FILE --name NAME --kind sanctions --source SOURCE",
        )
        for words in lists_at_fault(rails.core.config.rules, await rails.gates.lists())
    ]


async def rates(rails: RewardRails) -> list[Finding]:
    """Rates that are missing or too old to go by."""
    return [
        Finding(level=Level.PROBLEM, about="rates", found=words, do="rewardrails rates set ASSET=RATE --source SOURCE")
        for words in rates_at_fault(rails.core.config, await rails.gates.rates())
    ]


async def legal_approvals(rails: RewardRails) -> list[Finding]:
    """Legal approvals that end soon, and those that nobody has confirmed."""
    now = clock.now()
    live = [one for one in await rails.gates.approvals() if one.revoked_at is None and one.valid_until > now]
    findings = []
    for one in live:
        about = f"legal approval {one.id}"
        if one.confirmed_at is None:
            found, todo = f"recorded by {one.recorded_by}, not confirmed", f"rewardrails legal confirm {one.id}"
            findings.append(Finding(level=Level.WARNING, about=about, found=found, do=f"a second person: {todo}"))
        elif one.valid_until <= now + ENDS_SOON:
            found = f"{one.adapter} ends at {one.valid_until:%Y-%m-%d %H:%M}Z; what it covers is held from then on"
            todo = "if it is renewed: rewardrails legal record, then confirm"
            findings.append(Finding(level=Level.WARNING, about=about, found=found, do=todo))
    return findings


GATE_CHECKS: Sequence[Callable[[RewardRails], Awaitable[Sequence[Finding]]]] = (
    overdue_holds,
    awaiting_approval,
    lists,
    rates,
    legal_approvals,
)
"""Every check of this page, in the order in which people read them."""
