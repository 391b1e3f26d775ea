"""Limits on number and value, counted when a payout is let through, and again when it leaves in another window."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from rewardrails.domain.policy.case import Case, Subject, Usage
from rewardrails.domain.policy.rules import Limit, Per
from rewardrails.domain.policy.verdict import Outcome, Owner, Verdict
from rewardrails.errors import ErrorCode

GATE = "limits"


def limits(case: Case) -> Verdict:
    """Hold what would go beyond a limit. What a limit's counter holds already is counted once, and stays let through while
    the limit says the same.
    """
    inputs = {}
    for limit in case.rules.limits:
        if not applies(limit, case.subject):
            continue
        amount = value(case, limit)
        if amount is None:
            return _stale_rate(case, limit)
        used, since = case.facts.usage.get(counter(limit, case.subject), Usage()), _counted_since(case, limit)
        inputs[limit.name] = f"{used.count} payouts, {used.amount_minor} {'with' if since else 'before'} this"
        if limit.key in case.facts.counted and since:
            continue
        if _beyond(limit, used, count=0 if since else 1, amount=0 if since else amount):
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


def to_count(case: Case) -> Iterator[tuple[Limit, str, int]]:
    """Every counter that does not hold a payout yet which is let through now, with its value there.

    What a person let through without a fresh rate is worth what the last one says.
    """
    for limit in _counting(case):
        amount = value(case, limit, fresh=False)
        if amount is not None and _counted_since(case, limit) is None:
            yield limit, counter(limit, case.subject), amount


def counted_as(case: Case) -> Mapping[str, datetime]:
    """What to remember of a payout that is let through now: the limits that hold it, and since when."""
    return {
        limit.key: _counted_since(case, limit) or case.facts.now
        for limit in _counting(case)
        if value(case, limit, fresh=False) is not None
    }


def counted_since(limit: Limit, counted: Mapping[str, datetime], now: datetime) -> datetime | None:
    """When the limit's counter took a payout in, if its present window still holds that, in whatever words it spoke then."""
    at = max((at for key, at in counted.items() if Limit.name_in(key) == limit.name), default=None)
    if at is None or limit.per is Per.PAYOUT:
        return None
    if limit.calendar_day:
        return at if at >= _midnight(now) else None
    return at if limit.window is None or at > now - limit.window else None


def value(case: Case, limit: Limit, *, fresh: bool = True) -> int | None:
    """The payout's amount in the limit's unit, rounded up; None when there is no (fresh) rate for it."""
    amount = case.subject.amount_minor
    if limit.asset is not None or limit.max_minor is None:
        return amount if limit.asset is not None else 0
    rate = case.facts.rates.get(case.subject.asset)
    if rate is None or (fresh and case.older_than(rate.dated, case.rules.rate_age)):
        return None
    return -(-amount * rate.numerator // rate.denominator)


def _counting(case: Case) -> Iterator[Limit]:
    return (limit for limit in case.rules.limits if limit.per is not Per.PAYOUT and applies(limit, case.subject))


def _counted_since(case: Case, limit: Limit) -> datetime | None:
    return counted_since(limit, case.facts.counted, case.facts.now)


def _beyond(limit: Limit, used: Usage, *, count: int, amount: int) -> bool:
    over_count = limit.max_count is not None and used.count + count > limit.max_count
    return over_count or (limit.max_minor is not None and used.amount_minor + amount > limit.max_minor)


def _looked_at_again(limit: Limit, now: datetime) -> datetime | None:
    """When its window may have moved on; None where only people can make room."""
    if limit.calendar_day:
        return _midnight(now) + timedelta(days=1)
    return None if limit.window is None else now + limit.window / 24


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


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
            return subject.recipient_digest.hex()
        case Per.POOL:
            return subject.pool
        case Per.CAMPAIGN:
            return subject.campaign
        case Per.PROVIDER:
            return subject.provider or ""
