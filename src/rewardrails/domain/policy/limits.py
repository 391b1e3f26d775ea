"""Limits on number and value, counted when a payout is let through, and again when it leaves in another window."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from rewardrails.domain.policy.case import Case, Subject, Usage
from rewardrails.domain.policy.rules import Limit, Per
from rewardrails.domain.policy.verdict import Outcome, Owner, Verdict
from rewardrails.errors import ErrorCode

GATE = "limits"


def limits(case: Case) -> Verdict:
    """Hold what would go beyond a limit. What a limit's counter holds already is counted once, and stays let through while
    the limit says the same.

    Every limit is asked: whoever overrules them is told of all that stop it, and lets it past those alone.
    """
    inputs: dict[str, str] = {}
    exceeded, unpriced = [], []
    for limit in case.rules.limits:
        if not applies(limit, case.subject):
            continue
        amount = value(case, limit)
        used, since = case.facts.usage.get(counter(limit, case.subject), Usage()), _counted_since(case, limit)
        inputs[limit.name] = f"{used.count} payouts, {used.amount_minor} {'with' if since else 'before'} this"
        if amount is None:
            unpriced.append(limit)
        if limit.key in case.facts.counted and since:
            continue
        worth = amount if amount is not None else value(case, limit, fresh=False) or 0
        if _beyond(limit, used, count=0 if since else 1, amount=0 if since else worth):
            exceeded.append(limit)
    if not exceeded and not unpriced:
        return Verdict(gate=GATE, inputs=inputs)
    return _exceeded(case, exceeded, unpriced, inputs) if exceeded else _stale_rate(case, unpriced, inputs)


def applies(limit: Limit, subject: Subject) -> bool:
    """Whether a limit is about this payout."""
    return (
        (not limit.campaigns or subject.campaign in limit.campaigns)
        and (not limit.providers or subject.provider in limit.providers)
        and limit.asset in (None, subject.asset)
    )


def counter(limit: Limit, subject: Subject) -> str:
    """The name of the counter that a payout adds to."""
    return f"limit:{limit.counter}:{_whose(limit.per, subject)}"


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
    """When the limit's counter took a payout in, if its present window still holds that, whatever its maxima were then."""
    at = max((at for key, at in counted.items() if limit.counted_as(key)), default=None)
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


def _exceeded(case: Case, exceeded: Sequence[Limit], unpriced: Sequence[Limit], inputs: Mapping[str, str]) -> Verdict:
    names = ", ".join(repr(limit.name) for limit in exceeded)
    looks = [_looked_at_again(limit, case.facts.now) for limit in exceeded]
    return Verdict(
        gate=GATE,
        outcome=Outcome.HOLD,
        code=ErrorCode.LIMIT_EXCEEDED,
        why=f"limit {names} would be exceeded",
        next_step="wait for its window, raise the limit, release it with a reason, or cancel it",
        owner=Owner.COMPLIANCE,
        passes_at=None if None in looks else max(look for look in looks if look),
        causes=_causes(exceeded, unpriced),
        inputs=inputs,
    )


def _stale_rate(case: Case, unpriced: Sequence[Limit], inputs: Mapping[str, str]) -> Verdict:
    names = ", ".join(repr(limit.name) for limit in unpriced)
    return Verdict(
        gate=GATE,
        outcome=Outcome.HOLD,
        code=ErrorCode.LIMIT_EXCEEDED,
        why=f"limit {names} needs the value of {case.subject.asset}, and there is no fresh rate for it",
        next_step="set the rate; the payout then goes on by itself",
        owner=Owner.TREASURER,
        passes_at=case.facts.now,
        causes=_causes((), unpriced),
        inputs={**inputs, "asset": case.subject.asset},
    )


def _causes(exceeded: Sequence[Limit], unpriced: Sequence[Limit]) -> Mapping[str, int]:
    """Each limit by what it says now: one that says something else later was let pass by nobody."""
    return {limit.key: 0 for limit in exceeded} | {f"{limit.key}#no rate": 0 for limit in unpriced}


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
