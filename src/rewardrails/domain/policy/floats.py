"""What a provider holds for us and how much of it may go: never below the minimum, never by a balance nobody knows any more."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from rewardrails.domain.policy.verdict import Outcome, Owner, Verdict
from rewardrails.errors import ErrorCode

GATE = "provider_float"


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatRule:
    """For one asset at one provider, smallest units: what must stay, what should not be exceeded, how old a balance may be."""

    minimum_minor: int | None = None
    cap_minor: int | None = None
    max_age: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known: the last balance, what is left of it after everything under way, and its age; None while never told."""

    balance_minor: int | None = None
    free_minor: int | None = None
    age: timedelta | None = None


class Short(StrEnum):
    """Why nothing may go."""

    UNKNOWN = "unknown"
    STALE = "stale"
    TOO_LOW = "too_low"


def why_short(rule: FloatRule, standing: Standing, cost_minor: int) -> Short | None:
    """Why a payout of this cost (smallest units, with the most its fee may be) must wait; None when it may go."""
    if rule.minimum_minor is None:
        return None
    if standing.free_minor is None or standing.age is None:
        return Short.UNKNOWN
    if standing.age > rule.max_age:
        return Short.STALE
    return Short.TOO_LOW if standing.free_minor - cost_minor < rule.minimum_minor else None


def over_cap(rule: FloatRule, standing: Standing) -> int:
    """How much (smallest units) should be swept; 0 while the balance is within its cap or not known."""
    if rule.cap_minor is None or standing.balance_minor is None:
        return 0
    return max(0, standing.balance_minor - rule.cap_minor)


def provider_float(provider: str, rule: FloatRule, standing: Standing, cost_minor: int) -> Verdict:
    """The same as a verdict, for people. It holds nothing: what is short stays ready and is sent once there is enough."""
    known = {"balance": standing.balance_minor, "free": standing.free_minor, "minimum": rule.minimum_minor}
    inputs = {name: str(value) if value is not None else "unknown" for name, value in known.items()}
    short = why_short(rule, standing, cost_minor)
    match short:
        case None:
            return Verdict(gate=GATE, inputs=inputs)
        case Short.TOO_LOW:
            missing = (rule.minimum_minor or 0) + cost_minor - (standing.free_minor or 0)
            why = f"paying it would leave less than the minimum at {provider}"
            step = f"top up {provider} by at least {missing} smallest units; it is then sent by itself"
        case Short.STALE | Short.UNKNOWN:
            why = f"{provider} has not told its balance lately"
            step = f"look whether {provider} answers; it is sent by itself once its balance is known"
        case _:
            assert_never(short)
    return Verdict(
        gate=GATE,
        outcome=Outcome.HOLD,
        code=ErrorCode.INSUFFICIENT_PROVIDER_FUNDS,
        why=why,
        next_step=step,
        owner=Owner.TREASURER,
        inputs=inputs,
    )
