"""The counters behind limits and legal maxima: locked in one order, read, added to once a payout is let through."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rewardrails.domain.policy import legal, limits
from rewardrails.domain.policy.case import Case, LegalApproval, Usage
from rewardrails.domain.policy.rules import DestinationRule, Limit, Per, Rules
from rewardrails.engine.gates.facts import Candidate
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql

_NO_RULE = DestinationRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What one payout adds to one counter; `seconds` is its window (None: ever, 0: calendar day)."""

    name: str
    seconds: float | None
    amount_minor: int


async def lock(connection: Connection, rules: Rules, candidates: Sequence[Candidate]) -> None:
    """Hold every counter that letting these payouts through may change, so that nobody else counts meanwhile."""
    names = sorted({name for candidate in candidates for name in _names(rules, candidate)})
    if names:
        await connection.execute(sql("name_counters"), names)
        await connection.fetch(sql("lock_counters"), names)


async def read(
    connection: Connection,
    rules: Rules,
    candidates: Sequence[Candidate],
    approvals: Iterable[LegalApproval],
    *,
    now: datetime | None,
) -> dict[str, Usage]:
    """Usage of every counter these payouts meet; with `now` only of those that do not hold them already."""
    wanted: dict[str, float | None] = {}
    bounded = [a for a in approvals if a.max_total_minor is not None or a.max_per_player_minor is not None]
    for candidate in candidates:
        subject = candidate.subject
        for limit in _counting(rules, candidate, now):
            wanted[limits.counter(limit, subject)] = seconds(limit)
        if subject.needs_legal_approval:
            for approval in bounded:
                wanted[legal.total_key(approval, subject.asset)] = None
                wanted[legal.player_key(approval, subject.asset, subject.player_id)] = None
    if not wanted:
        return {}
    rows = await connection.fetch(sql("read_counters"), list(wanted), list(wanted.values()))
    return {row["name"]: Usage(count=row["count"], amount_minor=int(row["amount"])) for row in rows}


def additions(case: Case) -> Iterator[Addition]:
    """What a payout adds when it is let through; each counter knows it once in its window."""
    for limit, name, amount in limits.to_count(case):
        yield Addition(name=name, seconds=seconds(limit), amount_minor=amount)
    approval = legal.chosen(case)
    if approval is not None and approval.id != case.facts.legal_approval_id:
        subject = case.subject
        for name in (
            legal.total_key(approval, subject.asset),
            legal.player_key(approval, subject.asset, subject.player_id),
        ):
            yield Addition(name=name, seconds=None, amount_minor=subject.amount_minor)


def count_in(usage: dict[str, Usage], more: Iterable[Addition]) -> None:
    """Let the next payout of the same batch see what this one will have added."""
    for addition in more:
        before = usage.get(addition.name, Usage())
        usage[addition.name] = Usage(count=before.count + 1, amount_minor=before.amount_minor + addition.amount_minor)


async def write(connection: Connection, more: Sequence[Addition]) -> None:
    """Add to the counters, whose locks are held."""
    if more:
        await connection.execute(
            sql("add_to_counters"),
            [addition.name for addition in more],
            [addition.seconds for addition in more],
            [addition.amount_minor for addition in more],
        )


def seconds(limit: Limit) -> float | None:
    """A limit's window as the store takes it."""
    if limit.calendar_day:
        return 0.0
    return limit.window.total_seconds() if limit.window is not None else None


def _counting(rules: Rules, candidate: Candidate, now: datetime | None = None) -> Iterator[Limit]:
    counted = candidate.counted or {}
    for limit in rules.limits:
        if limit.per is Per.PAYOUT or not limits.applies(limit, candidate.subject):
            continue
        if now is None or limit.key not in counted or limits.counted_since(limit, counted, now) is None:
            yield limit


def _names(rules: Rules, candidate: Candidate) -> Iterator[str]:
    subject = candidate.subject
    for limit in _counting(rules, candidate):
        yield limits.counter(limit, subject)
    if subject.needs_legal_approval:
        yield f"legal:{subject.adapter}:{subject.asset}"
    rule = rules.destinations.get(subject.destination_kind, _NO_RULE)
    if rule.max_players is not None:
        yield f"recipient:{subject.recipient_digest.hex()}"
    if rule.max_per_player is not None:
        yield f"player:{subject.player_id}"
