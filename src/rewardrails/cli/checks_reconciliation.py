"""What the doctor looks at around reconciliation: findings that wait for people, and live rails that nobody reconciles."""

from collections.abc import Awaitable, Callable, Sequence

from rewardrails.cli.findings import Finding, Level
from rewardrails.cli.output import duration
from rewardrails.domain.statement import FindingKind, Statements
from rewardrails.facade import RewardRails
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.store.sql import sql

MONEY_LEFT = frozenset({FindingKind.MISSING_HERE, FindingKind.NOT_OURS, FindingKind.PAID_TWICE})
LATE_TIMES = 2.0
BY_HAND_SECONDS = 8 * 86_400.0


async def open_findings(rails: RewardRails) -> list[Finding]:
    """Differences between their lists and ours; money that left without us is the worst of them."""
    async with rails.core.database.reading() as connection:
        rows = await connection.fetch(sql("open_findings"))
    return [
        Finding(
            level=Level.PROBLEM if FindingKind(row["kind"]) in MONEY_LEFT else Level.WARNING,
            about=f"reconciliation {row['provider']}",
            found=f"{row['findings']} {row['kind']}, the oldest for {duration(row['oldest_seconds'])}",
            do=f"rewardrails findings list --provider {row['provider']} --kind {row['kind'].replace('_', '-')}",
            tasks=row["findings"],
        )
        for row in rows
    ]


async def reconciled(rails: RewardRails) -> list[Finding]:
    """Rails with real money whose own list nobody has read for long; of others, only late schedules."""
    limits = {name: _limit(rails, name) for name in rails.core.providers}
    watched = {name: limit for name, limit in limits.items() if limit is not None}
    async with rails.core.database.reading() as connection:
        rows = await connection.fetch(sql("last_reconciliations"), sorted(watched))
    return [
        Finding(
            level=Level.WARNING,
            about=f"reconciliation {row['provider']}",
            found="never" if row["done_seconds"] is None else f"the last was {duration(row['done_seconds'])} ago",
            do=_do(rails, row["provider"]),
        )
        for row in rows
        if row["done_seconds"] is None or row["done_seconds"] > watched[row["provider"]]
    ]


def _limit(rails: RewardRails, name: str) -> float | None:
    """After how many seconds somebody should know; None where it is nobody's business."""
    settings = rails.core.config.providers[name]
    if not settings.enabled or rails.core.providers[name].capabilities.statements is Statements.NONE:
        return None
    if settings.reconcile.every is not None:
        return settings.reconcile.every.total_seconds() * LATE_TIMES
    return BY_HAND_SECONDS if settings.environment is ProviderEnvironment.LIVE else None


def _do(rails: RewardRails, name: str) -> str:
    if rails.core.providers[name].capabilities.statements is Statements.FILE:
        return f"rewardrails reconcile {name} --file STATEMENT"
    if rails.core.config.providers[name].reconcile.every is not None:
        return f"is a worker running? rewardrails findings runs --provider {name}"
    return f"rewardrails reconcile {name}, or set [providers.{name}.reconcile] every_hours"


RECONCILIATION_CHECKS: Sequence[Callable[[RewardRails], Awaitable[Sequence[Finding]]]] = (open_findings, reconciled)
"""Every check of this page, in the order in which people read them."""
