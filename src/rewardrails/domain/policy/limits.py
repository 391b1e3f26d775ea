"""Limits on number and value, counted where they are let through, each payout once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from rewardrails.domain.policy.case import Case, Subject, Usage
from rewardrails.domain.policy.rules import Limit, Per
from rewardrails.domain.policy.verdict import Outcome, Owner, Verdict
from rewardrails.errors import ErrorCode

GATE = "limits"


def limits(case: Case) -> Verdict:
    """Hold what would go beyond a limit; a payout that was counted before is not counted again."""
    applying = [limit for limit in case.rules.limits if applies(limit, case.subject)]
    inputs = {}
    for limit in applying:
        amount = value(case, limit)
        if amount is None:
            return _stale_rate(case, limit)
        used = case.facts.usage.get(counter(limit, case.subject), Usage())
        if case.facts.counted and limit.per is not Per.PAYOUT:
            continue
        inputs[limit.name] = f"{used.count} payouts, {used.amount_minor} before this"
        if _beyond(limit, used, amount):
            return Verdict(
                gate=GATE,
                outcome=Outcome.HOLD,
                code=ErrorCode.LIMIT_EXCEEDED,
                why=f"limit {limit.name!r} would be exceeded",
                next_step="wait for its window, raise the limit, release it with a reason, or cancel it",
                owner=Owner.COMPLIANCE,
                passes_at=_looked_at_again(limit, case.facts.now),
                inputs=inputs,
            )
    return Verdict(gate=GATE, inputs=inputs)


def applies(limit: Limit, subject: Subject) -> bool:
    """Whether a limit is about this payout."""
    return (
        (not limit.campaigns or subject.campaign in limit.campaigns)
        and (not limit.providers or subject.provider in limit.providers)
        and limit.asset in (None, subject.asset)
    )


def counter(limit: Limit, subject: Subject) -> str:
    """The name of the counter that a payout adds to."""
    return f"limit:{limit.name}:{_whose(limit.per, subject)}"


def counted(case: Case) -> Iterator[tuple[Limit, str, int]]:
    """Every counter a payout adds to when it is let through, with its value there."""
    for limit in case.rules.limits:
        amount = value(case, limit)
        if limit.per is not Per.PAYOUT and applies(limit, case.subject) and amount is not None:
            yield limit, counter(limit, case.subject), amount


def value(case: Case, limit: Limit) -> int | None:
    """The payout's amount in the limit's unit, rounded up; None when there is no fresh rate for it."""
    amount = case.subject.amount_minor
    if limit.asset is not None or limit.max_minor is None:
        return amount if limit.asset is not None else 0
    rate = case.facts.rates.get(case.subject.asset)
    if rate is None or case.older_than(rate.dated, case.rules.rate_age):
        return None
    return -(-amount * rate.numerator // rate.denominator)


def _beyond(limit: Limit, used: Usage, amount: int) -> bool:
    over_count = limit.max_count is not None and used.count + 1 > limit.max_count
    return over_count or (limit.max_minor is not None and used.amount_minor + amount > limit.max_minor)


def _looked_at_again(limit: Limit, now: datetime) -> datetime | None:
    """When its window may have moved on; None where only people can make room."""
    if limit.calendar_day:
        return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return None if limit.window is None else now + limit.window / 24


def _stale_rate(case: Case, limit: Limit) -> Verdict:
    return Verdict(
        gate=GATE,
        outcome=Outcome.HOLD,
        code=ErrorCode.LIMIT_EXCEEDED,
        why=f"limit {limit.name!r} needs the value of {case.subject.asset}, and there is no fresh rate for it",
        next_step="set the rate; the payout then goes on by itself",
        owner=Owner.TREASURER,
        passes_at=case.facts.now,
        inputs={"asset": case.subject.asset},
    )


def _whose(per: Per, subject: Subject) -> str:
    match per:
        case Per.PAYOUT | Per.EVERYTHING:
            return ""
        case Per.PLAYER:
            return subject.player_id
        case Per.DESTINATION:
            return subject.address_digest.hex()
        case Per.POOL:
            return subject.pool
        case Per.CAMPAIGN:
            return subject.campaign
        case Per.PROVIDER:
            return subject.provider or ""
