"""Tremendous' words in ours; total for what it documents, UNKNOWN for what it does not.

It has no error codes: the HTTP status and the field at fault are all there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import AmountInvalid, ErrorCode
from rewardrails.providers.tremendous.wire import Charge, Errors, Order, Value

MOST_DIGITS = 24
EXECUTED = "EXECUTED"
CANCELED = "CANCELED"

# An order that is executed stands where its delivery stands.
ORDER_STATUSES: Mapping[str, ObservedStatus] = MappingProxyType(
    {
        "OPEN": ObservedStatus.PENDING,
        "PENDING APPROVAL": ObservedStatus.PENDING,
        "PENDING INTERNAL PAYMENT APPROVAL": ObservedStatus.PENDING,
        "PENDING SETTLEMENT": ObservedStatus.PENDING,
        "FAILED": ObservedStatus.FAILED,
        CANCELED: ObservedStatus.CANCELED,
    }
)
# A bounced e-mail leaves the reward paid for and undelivered: people resend or cancel it at Tremendous.
DELIVERY_STATUSES: Mapping[str, ObservedStatus] = MappingProxyType(
    {
        "SCHEDULED": ObservedStatus.PENDING,
        "PENDING": ObservedStatus.PENDING,
        "SUCCEEDED": ObservedStatus.PAID,
        "FAILED": ObservedStatus.PENDING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a documented status means; `retryable`: a new attempt may succeed without anybody changing the payout."""

    code: ErrorCode
    retryable: bool = False
    scope: RejectionScope = RejectionScope.PAYOUT


REFUSALS: Mapping[int, Refusal] = MappingProxyType(
    {
        400: Refusal(code=ErrorCode.PROVIDER_REJECTED),
        402: Refusal(code=ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, retryable=True, scope=RejectionScope.PROVIDER),
        422: Refusal(code=ErrorCode.PROVIDER_REJECTED),
    }
)
# The field at fault, as its path in the request.
FAULTS: Mapping[str, ErrorCode] = MappingProxyType(
    {
        "reward.recipient.email": ErrorCode.DESTINATION_INVALID,
        "reward.value.denomination": ErrorCode.AMOUNT_INVALID,
        "reward.value.currency_code": ErrorCode.ASSET_UNSUPPORTED,
    }
)


def refusal_of(status: int, errors: Errors | None) -> Refusal | None:
    """What a refusal means; None for a status that is not documented as one, or an answer that is not theirs."""
    known = REFUSALS.get(status)
    if known is None or errors is None or known.scope is RejectionScope.PROVIDER:
        return known if errors is not None else None
    at_fault = {path: code for path, code in FAULTS.items() if _holds(errors.payload, path.split("."))}
    return Refusal(code=next(iter(at_fault.values()))) if len(at_fault) == 1 else known


def status_of(order: Order) -> ObservedStatus:
    """Where an order of one reward stands."""
    if order.status == EXECUTED:
        delivered = order.rewards[0].delivery.status if len(order.rewards) == 1 else ""
        return DELIVERY_STATUSES.get(delivered, ObservedStatus.UNKNOWN)
    return ORDER_STATUSES.get(order.status, ObservedStatus.UNKNOWN)


def money_of(value: Value, exponents: Mapping[str, int]) -> Money:
    """An exact amount; raises `AmountInvalid` for a currency that is not configured or a part of a smallest unit."""
    return Money(amount_minor=_minor(value.denomination, value.currency_code, exponents), asset=value.currency_code)


def denomination_of(money: Money, exponents: Mapping[str, int]) -> Value:
    """An amount as Tremendous writes it."""
    whole = Decimal(money.amount_minor).scaleb(-exponents[money.asset])
    return Value(denomination=whole, currency_code=money.asset)


def observation_of(order: Order, exponents: Mapping[str, int], evidence: Evidence) -> Observation:
    """An order of theirs as a statement about an attempt of ours; raises `AmountInvalid` where it has not one reward."""
    if len(order.rewards) != 1:
        raise AmountInvalid("the order has not one reward", field="rewards")
    (reward,) = order.rewards
    status = status_of(order)
    return Observation(
        status=status,
        rail_key=order.external_id or "",
        provider_reference=reward.id,
        amount=money_of(reward.value, exponents),
        fee=fee_of(order.payment, reward.value.currency_code, exponents),
        code=ErrorCode.PROVIDER_REJECTED if status is ObservedStatus.FAILED else None,
        evidence=evidence,
    )


def fee_of(payment: Charge | None, asset: str, exponents: Mapping[str, int]) -> Money | None:
    """The fee, where it is charged in the reward's own currency; raises `AmountInvalid`."""
    if payment is None or payment.currency_code != asset:
        return None
    return Money(amount_minor=_minor(payment.fees, asset, exponents), asset=asset)


def _minor(whole: Decimal, asset: str, exponents: Mapping[str, int]) -> int:
    exponent = exponents.get(asset)
    if exponent is None or not whole.is_finite() or whole.adjusted() > MOST_DIGITS or whole < 0:
        raise AmountInvalid("the provider speaks of an asset or amount that cannot be", field="value")
    scaled = whole.scaleb(exponent)
    if scaled != scaled.to_integral_value():
        raise AmountInvalid("the amount has more digits than its asset", field="value")
    return int(scaled)


def _holds(payload: object, path: list[str]) -> bool:
    for name in path:
        if not isinstance(payload, dict) or name not in payload:
            return False
        payload = payload[name]
    return True
