"""What the doctor looks at; each check answers findings with the next step in it."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence

from rewardrails.cli import checks_audit
from rewardrails.cli.checks_gates import GATE_CHECKS
from rewardrails.cli.checks_reconciliation import RECONCILIATION_CHECKS
from rewardrails.cli.checks_vault import master_keys, seals
from rewardrails.cli.checks_wallets import WALLET_CHECKS
from rewardrails.cli.findings import Finding, Level
from rewardrails.cli.output import duration
from rewardrails.domain.payout import PayoutState
from rewardrails.engine.read import PayoutFilter
from rewardrails.facade import RewardRails
from rewardrails.security import keys
from rewardrails.store.sql import sql

LISTED = 20
SEAL_LAG_SECONDS = 30.0
INBOX_LAG_SECONDS = 60.0
DELIVERY_LAG_SECONDS = 600.0
STUCK_BATCH_SECONDS = 600.0
OLD_SECONDS: Mapping[str, float] = {
    "ready": 600.0,
    "submitting": 300.0,
    "pending": 7 * 86400.0,
    "outcome_unknown": 0.0,
    "held": 86400.0,
    "awaiting_approval": 86400.0,
}


async def examine(rails: RewardRails, *, deep: bool) -> list[Finding]:
    """Every check in turn; the database has answered and fits this version, or nobody would be here."""
    checks: list[Callable[[RewardRails], Awaitable[Sequence[Finding]]]] = [
        _switches,
        _keys,
        _workers,
        _pauses,
        _books,
        _payouts,
        _tasks,
        _unknown,
        _providers,
        _queues,
        _deliveries,
        _batches,
        _pools,
        *GATE_CHECKS,
        checks_audit.checkpoints,
        master_keys,
        *WALLET_CHECKS,
        *RECONCILIATION_CHECKS,
    ]
    if deep:
        checks += [checks_audit.whole_log, seals]
    return [finding for check in checks for finding in await check(rails)]


async def _switches(rails: RewardRails) -> list[Finding]:
    on = [name for name, settings in rails.core.config.providers.items() if settings.enabled]
    found = f"{rails.core.config.environment.value}; on: {', '.join(on) or 'no provider'}"
    todo = "" if on else "nothing can be sent: set enabled = true on a provider in rewardrails.toml"
    return [Finding(level=Level.OK if on else Level.WARNING, about="configuration", found=found, do=todo)]


async def _keys(rails: RewardRails) -> list[Finding]:
    live = [key for key in await keys.list_keys(rails.core.database) if key.revoked_at is None]
    if live:
        return [Finding(level=Level.OK, about="API keys", found=f"{len(live)} in use")]
    return [
        Finding(
            level=Level.WARNING,
            about="API keys",
            found="none",
            do="'rewardrails serve' makes the first one, or: rewardrails keys create NAME --scope admin",
        )
    ]


async def _workers(rails: RewardRails) -> list[Finding]:
    async with rails.core.database.reading() as connection:
        live = await connection.fetch(sql("live_workers"))
    if live:
        return [Finding(level=Level.OK, about="workers", found=", ".join(row["name"] for row in live))]
    return [
        Finding(
            level=Level.WARNING,
            about="workers",
            found="none seen in the last 30 s: nothing is sent, sealed or delivered",
            do="start 'rewardrails serve' or 'rewardrails worker'",
        )
    ]


async def _pauses(rails: RewardRails) -> list[Finding]:
    return [
        Finding(
            level=Level.WARNING,
            about="pause",
            found=f"{one.scope.value} {one.subject} by {one.created_by} since {one.created_at:%Y-%m-%d %H:%M}Z: {one.reason}",
            do=f"when its cause is gone: rewardrails pause lift {one.id}",
        )
        for one in await rails.pauses()
    ]


async def _books(rails: RewardRails) -> list[Finding]:
    report = await rails.verify_ledger()
    findings = [
        Finding(
            level=Level.PROBLEM,
            about="books",
            found=line,
            do="rewardrails pause set everything --reason 'books'; then find out before anything else is sent",
            unbalanced=True,
        )
        for line in report.broken
    ] or [Finding(level=Level.OK, about="books", found="balance")]
    return findings + [
        Finding(
            level=Level.PROBLEM,
            about="suspense",
            found=line,
            do="money arrived after we had given it up; look up payout.late_success events and cover it",
        )
        for line in report.suspense
    ]


async def _payouts(rails: RewardRails) -> list[Finding]:
    async with rails.core.database.reading() as connection:
        rows = await connection.fetch(sql("oldest_by_state"))
    return [
        Finding(
            level=Level.WARNING if row["oldest_seconds"] > OLD_SECONDS.get(row["state"], 0.0) else Level.OK,
            about=f"payouts {row['state']}",
            found=f"{row['payouts']}, the oldest for {duration(row['oldest_seconds'])}",
            do=_NEXT.get(row["state"], ""),
        )
        for row in rows
        if row["state"] not in _TASKS
    ]


async def _tasks(rails: RewardRails) -> list[Finding]:
    by_hand = rails.core.config.manual_providers
    async with rails.core.database.reading() as connection:
        rows = await connection.fetch(sql("waits_for_people"), by_hand)
    return [
        Finding(
            level=Level.WARNING if row["oldest_seconds"] > OLD_SECONDS.get(row["what"], math.inf) else Level.TASK,
            about=_TASKS[row["what"]][0],
            found=f"{row['payouts']}, the oldest for {duration(row['oldest_seconds'])}",
            do=_TASKS[row["what"]][1],
            tasks=row["payouts"],
        )
        for row in rows
    ]


_TASKS = {
    "awaiting_approval": ("to approve", "somebody else than their author: rewardrails approvals waiting"),
    "failed": (
        "failed",
        "rewardrails payouts list --state failed; correct, retry, or leave them: their money is released",
    ),
    "held": ("held", "rewardrails payouts holds; rewardrails payouts explain PAYOUT says what to do"),
    "manual": ("to pay by hand", "rewardrails manual next"),
    "returned": ("returned", "rewardrails payouts list --state returned; correct, retry, or leave them"),
}
_NEXT = {
    "outcome_unknown": "the rails are asked by themselves; what stays needs two people (see below)",
    "pending": "the rails are asked by themselves",
    "ready": "workers send them unless a pause, a provider that is off, or its limits stand in the way",
}


async def _unknown(rails: RewardRails) -> list[Finding]:
    found = await rails.list(PayoutFilter(state=PayoutState.OUTCOME_UNKNOWN), limit=LISTED)
    return [
        Finding(
            level=Level.PROBLEM,
            about="outcome unknown",
            found=f"payout {one.id} over {one.provider} since {one.updated_at:%Y-%m-%d %H:%M:%S}Z",
            do=f"look at the provider, then two people: rewardrails payouts resolve {one.id} --outcome ... --evidence ...",
        )
        for one in found
    ]


async def _providers(rails: RewardRails) -> list[Finding]:
    async with rails.core.database.reading() as connection:
        figures = await connection.fetch(sql("provider_figures"))
        waiting = {row["provider"]: row["payouts"] for row in await connection.fetch(sql("waiting_by_provider"))}
    findings = [
        Finding(
            level=Level.PROBLEM,
            about=f"provider {name}",
            found=f"is off and {count} payouts wait for it",
            do=f"set [providers.{name}] enabled = true and restart, or cancel them",
        )
        for name, count in waiting.items()
        if not rails.core.sends(name)
    ]
    return findings + [
        Finding(
            level=Level.WARNING,
            about=f"provider {row['name']}",
            found=f"{row['failures']} failures in a row, last {row['last_code']}; probed every few seconds",
            do="look at its status page and our credentials; it goes on by itself when it answers",
        )
        for row in figures
        if row["broken"] and rails.core.sends(row["name"])
    ]


async def _queues(rails: RewardRails) -> list[Finding]:
    async with rails.core.database.reading() as connection:
        lag = {row["queue"]: row for row in await connection.fetch(sql("queue_figures"))}
        quarantined = await connection.fetch(sql("quarantined_webhooks"))
    findings = []
    for queue, about, limit in (
        ("outbox", "events not sealed", SEAL_LAG_SECONDS),
        ("webhook_inbox", "webhooks not applied", INBOX_LAG_SECONDS),
    ):
        late = lag[queue]["oldest_seconds"] > limit
        findings.append(
            Finding(
                level=Level.WARNING if late else Level.OK,
                about=about,
                found=f"{lag[queue]['waiting']}, the oldest for {duration(lag[queue]['oldest_seconds'])}",
                do="is a worker running? is a transaction held open somewhere?" if late else "",
            )
        )
    return findings + [
        Finding(
            level=Level.PROBLEM,
            about="webhooks quarantined",
            found=f"{row['notices']} of {row['provider']}: {row['code'] or 'matched nothing for an hour'}",
            do="compare with the provider's own record: somebody may be trying something",
        )
        for row in quarantined
    ]


async def _deliveries(rails: RewardRails) -> list[Finding]:
    async with rails.core.database.reading() as connection:
        lags = await connection.fetch(sql("delivery_lag"))
        given_up = await connection.fetch(sql("deliveries_given_up"))
    return [
        Finding(
            level=Level.WARNING if row["oldest_seconds"] > DELIVERY_LAG_SECONDS else Level.OK,
            about=f"events to {row['endpoint']}",
            found=f"{row['open']} not delivered, the oldest for {duration(row['oldest_seconds'])}",
            do="does your endpoint answer 2xx? delivery is tried for about four days",
        )
        for row in lags
    ] + [
        Finding(
            level=Level.PROBLEM,
            about=f"events to {row['endpoint']}",
            found=f"{row['events']} given up",
            do="read what was missed with 'rewardrails events list --after POSITION'",
        )
        for row in given_up
    ]


async def _batches(rails: RewardRails) -> list[Finding]:
    async with rails.core.database.reading() as connection:
        rows = await connection.fetch(sql("unfinished_batches"))
    return [
        Finding(
            level=Level.WARNING,
            about=f"batch {row['id']}",
            found=f"{row['state']} for {duration(row['age_seconds'])} ({row['rows_staged']} rows staged)",
            do="stage the same file again to complete it" if row["state"] == "staging" else "is a worker running?",
        )
        for row in rows
        if row["age_seconds"] > STUCK_BATCH_SECONDS
    ]


async def _pools(rails: RewardRails) -> list[Finding]:
    return [
        Finding(
            level=Level.WARNING,
            about=f"pool {pool.name}",
            found="nothing available",
            do=f"rewardrails pools fund {pool.name} AMOUNT --source ...",
        )
        for pool in await rails.pools()
        if pool.available == 0
    ]
