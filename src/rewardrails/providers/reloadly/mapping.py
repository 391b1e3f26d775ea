"""Reloadly's words in ours; total for what it documents, UNKNOWN for what it does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from rewardrails.domain.bearer import BearerValue
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import AmountInvalid, ErrorCode
from rewardrails.providers.reloadly.wire import Card, Transaction

MOST_DIGITS = 24
ALREADY_USED = "CUSTOM_IDENTIFIER_ALREADY_USED"
"""No refusal: there is an order under this key."""
STATUSES: Mapping[str, ObservedStatus] = MappingProxyType(
    {
        "PENDING": ObservedStatus.PENDING,
        "PROCESSING": ObservedStatus.PENDING,
        "SUCCESSFUL": ObservedStatus.PAID,
        "FAILED": ObservedStatus.FAILED,
        "REFUNDED": ObservedStatus.RETURNED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a documented error code means; `retryable`: a new attempt may succeed without anybody changing the payout."""

    code: ErrorCode
    retryable: bool = False
    scope: RejectionScope = RejectionScope.PAYOUT


# What is not here is unknown: the list of its codes is not published whole.
REFUSALS: Mapping[str, Refusal] = MappingProxyType(
    {
        "INSUFFICIENT_BALANCE": Refusal(
            code=ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, retryable=True, scope=RejectionScope.PROVIDER
        ),
        "TOKEN_EXPIRED": Refusal(code=ErrorCode.PROVIDER_AUTH_FAILED, retryable=True, scope=RejectionScope.PROVIDER),
    }
)


def money_of(whole: Decimal, asset: str, exponents: Mapping[str, int]) -> Money:
    """An exact amount; raises `AmountInvalid` for a currency that is not configured or a part of a smallest unit."""
    exponent = exponents.get(asset)
    if exponent is None or not whole.is_finite() or whole.adjusted() > MOST_DIGITS or whole < 0:
        raise AmountInvalid("the provider speaks of an asset or amount that cannot be", field="unitPrice")
    scaled = whole.scaleb(exponent)
    if scaled != scaled.to_integral_value():
        raise AmountInvalid("the amount has more digits than its asset", field="unitPrice")
    return Money(amount_minor=int(scaled), asset=asset)


def whole_of(money: Money, exponents: Mapping[str, int]) -> Decimal:
    """An amount as Reloadly writes it."""
    return Decimal(money.amount_minor).scaleb(-exponents[money.asset])


def amount_of(told: Transaction, exponents: Mapping[str, int]) -> Money:
    """What one card is worth; raises `AmountInvalid` also for an order of several."""
    if told.product.quantity != 1:
        raise AmountInvalid("the order is not of one card", field="quantity")
    return money_of(told.product.unit_price, told.product.currency_code, exponents)


def fee_of(told: Transaction, exponents: Mapping[str, int]) -> Money | None:
    """The fee, where it is charged in the card's own currency; raises `AmountInvalid`."""
    same = told.currency_code == told.product.currency_code
    return money_of(told.fee, told.currency_code, exponents) if same else None


def observation_of(told: Transaction, exponents: Mapping[str, int], evidence: Evidence) -> Observation:
    """A transaction of theirs as a statement about an attempt of ours, without its code; raises `AmountInvalid`."""
    status = STATUSES.get(told.status, ObservedStatus.UNKNOWN)
    return Observation(
        status=status,
        rail_key=told.custom_identifier or "",
        provider_reference=str(told.transaction_id),
        amount=amount_of(told, exponents),
        fee=fee_of(told, exponents),
        code=ErrorCode.PROVIDER_REJECTED if status is ObservedStatus.FAILED else None,
        evidence=evidence,
    )


def value_of(cards: list[Card]) -> BearerValue | None:
    """The one card of an order; None for several, or one without code and link."""
    if len(cards) != 1:
        return None
    (card,) = cards
    if not (card.card_number or card.pin_code or card.redemption_url):
        return None
    # Some brands have a PIN alone: then it is the code.
    code, pin = card.card_number or "", card.pin_code or ""
    link = card.redemption_url or ""
    return BearerValue(code=code or ("" if link else pin), pin=pin if code or link else "", link=link)
