"""Wise's words in ours; total for what it documents, UNKNOWN for what it does not.

Sources: https://docs.wise.com/guides/product/send-money/tracking-transfers and
https://docs.wise.com/guides/developer/errors/funding
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, localcontext
from types import MappingProxyType
from uuid import UUID, uuid5

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import AmountInvalid, ErrorCode
from rewardrails.providers.wise.wire import ErrorReply, PaymentOption, Quote, Transfer

MOST_DIGITS = 24
# More than any two amounts and a rate have together, so that a product is never rounded before we round it.
DIGITS = 120
# Never to be changed: the name of every transfer ever made hangs on it.
NAMESPACE = UUID("7c0f3a52-5f0e-5b7e-9a53-3d1c6f1e8b20")
BALANCE = "BALANCE"
UNFUNDED = "incoming_payment_waiting"
CANCELLED = "cancelled"

# All but the first: a transfer that nobody has paid for is no payout yet. Wise lets transfers go back to an earlier status.
STATUSES: Mapping[str, ObservedStatus] = MappingProxyType(
    {
        "incoming_payment_initiated": ObservedStatus.PENDING,
        "processing": ObservedStatus.PENDING,
        "funds_converted": ObservedStatus.PENDING,
        "outgoing_payment_sent": ObservedStatus.PAID,
        "bounced_back": ObservedStatus.RETURNED,
        CANCELLED: ObservedStatus.CANCELED,
        "funds_refunded": ObservedStatus.FAILED,
    }
)
# Documented, and left to people: money was taken from Wise, which says nothing of the player's.
LEFT_TO_PEOPLE = frozenset({"charged_back", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a documented refusal means; `retryable`: a new attempt may succeed without anybody changing the payout."""

    code: ErrorCode
    retryable: bool = False
    scope: RejectionScope = RejectionScope.PAYOUT


_EMPTY = Refusal(code=ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, retryable=True, scope=RejectionScope.PROVIDER)
# Answers to paying for a transfer, mostly under HTTP 200.
FUNDING_REFUSALS: Mapping[str, Refusal] = MappingProxyType(
    {
        "transfer.insufficient_funds": _EMPTY,
        "balance.payment-option-unavailable": _EMPTY,
        "transfer.not-accessible-for-user": Refusal(
            code=ErrorCode.PROVIDER_AUTH_FAILED, retryable=True, scope=RejectionScope.PROVIDER
        ),
        "transfer.not-found": Refusal(code=ErrorCode.PROVIDER_REJECTED),
    }
)
# No refusals: whoever hears these looks whether the transfer is paid for already.
ALREADY_FUNDED = frozenset({"transfer.invalid-state", "payment.exists"})
# Statuses that are documented as refused data, and the field at fault by its path.
REFUSED_DATA = frozenset({400, 422})
FAULTS: Mapping[str, Refusal] = MappingProxyType(
    {
        "targetAmount": Refusal(code=ErrorCode.AMOUNT_INVALID),
        "sourceAmount": Refusal(code=ErrorCode.AMOUNT_INVALID),
        "targetCurrency": Refusal(code=ErrorCode.ASSET_UNSUPPORTED),
        "currency": Refusal(code=ErrorCode.ASSET_UNSUPPORTED),
        "type": Refusal(code=ErrorCode.DESTINATION_UNSUPPORTED),
        "accountHolderName": Refusal(code=ErrorCode.DESTINATION_INVALID),
        "targetAccount": Refusal(code=ErrorCode.DESTINATION_INVALID),
        "quoteUuid": Refusal(code=ErrorCode.QUOTE_EXPIRED, retryable=True),
    }
)
OTHERWISE_REFUSED = Refusal(code=ErrorCode.PROVIDER_REJECTED)
BAD_DESTINATION = Refusal(code=ErrorCode.DESTINATION_INVALID)


def transaction_id(rail_key: str) -> str:
    """The attempt's `customerTransactionId`: a UUID of its whole key, so that two attempts never share one."""
    return str(uuid5(NAMESPACE, rail_key))


def refusal_of_data(status: int, errors: ErrorReply | None) -> Refusal | None:
    """What refused data means; None for a status that is not documented as one, or an answer that is not Wise's."""
    if status not in REFUSED_DATA or errors is None or not errors.errors:
        return None
    found = {_fault_at(fault.path or "") for fault in errors.errors}
    return found.pop() if len(found) == 1 else OTHERWISE_REFUSED


def status_of(transfer: Transfer) -> ObservedStatus:
    """Where a transfer stands that is paid for."""
    return STATUSES.get(transfer.status, ObservedStatus.UNKNOWN)


def observation_of(
    transfer: Transfer,
    rail_key: str,
    exponents: Mapping[str, int],
    evidence: Evidence,
    *,
    fee: Money | None = None,
    waits: bool = False,
) -> Observation | None:
    """A transfer of theirs as a statement about an attempt of ours; None where it is another's, or its amount cannot be.

    `waits`: a person is yet to pay for it, so that it is on its way.
    """
    if transfer.customer_transaction_id != transaction_id(rail_key):
        return None
    try:
        amount = money_of(transfer.target_value, transfer.target_currency, exponents)
    except AmountInvalid:
        return None
    status = ObservedStatus.PENDING if waits else status_of(transfer)
    return Observation(
        status=status,
        rail_key=rail_key,
        provider_reference=str(transfer.id),
        amount=amount,
        fee=fee,
        code=ErrorCode.RETURNED if status is ObservedStatus.FAILED else None,
        evidence=evidence,
    )


def money_of(whole: Decimal, asset: str, exponents: Mapping[str, int]) -> Money:
    """An exact amount; raises `AmountInvalid` for a currency that is not configured or a part of a smallest unit."""
    return Money(amount_minor=_minor(whole, exponents.get(asset)), asset=asset)


def whole_of(money: Money, exponents: Mapping[str, int]) -> Decimal:
    """An amount as Wise writes it."""
    return Decimal(money.amount_minor).scaleb(-exponents[money.asset])


def fee_of(quote: Quote, amount: Money, exponents: Mapping[str, int]) -> Money:
    """What paying out of the balance takes beyond `amount`, in the asset of the amount at the quote's locked rate.

    Rounded up to the smallest unit. Raises `AmountInvalid` for a quote of something else, or without such a way to pay.
    """
    way = _way(quote)
    if quote.target_currency != amount.asset:
        raise AmountInvalid("the quote is in another currency", field="targetCurrency")
    if money_of(way.target_amount, quote.target_currency, exponents) != amount:
        raise AmountInvalid("the quote is for another amount", field="targetAmount")
    for number in (way.source_amount, quote.rate):
        if not _can_be(number):
            raise AmountInvalid("the quote has a number that cannot be", field="sourceAmount")
    with localcontext(prec=DIGITS):
        taken = (way.source_amount * quote.rate).scaleb(exponents[amount.asset])
        fee = int(taken.to_integral_value(ROUND_CEILING)) - amount.amount_minor
    if fee < 0:
        raise AmountInvalid("the quote takes less than it gives", field="sourceAmount")
    return Money(amount_minor=fee, asset=amount.asset)


def source_amount_of(quote: Quote) -> Decimal:
    """What is taken out of the balance, in whole units of its currency; raises `AmountInvalid`."""
    return _way(quote).source_amount


def codes_of(errors: ErrorReply | None) -> Sequence[str]:
    """Every code in an error answer."""
    if errors is None:
        return []
    return [code for code in (errors.error_code, *(fault.code for fault in errors.errors)) if code]


def _way(quote: Quote) -> PaymentOption:
    ways = [way for way in quote.payment_options if way.pay_in == BALANCE and not way.disabled]
    if len(ways) != 1:
        raise AmountInvalid("the quote has not one way to pay out of a balance", field="paymentOptions")
    return ways[0]


def _fault_at(path: str) -> Refusal:
    return BAD_DESTINATION if path.startswith("details.") else FAULTS.get(path, OTHERWISE_REFUSED)


def _can_be(number: Decimal) -> bool:
    digits = number.as_tuple().digits if number.is_finite() else ()
    return 0 < len(digits) <= MOST_DIGITS and abs(number.adjusted()) <= MOST_DIGITS and number >= 0


def _minor(whole: Decimal, exponent: int | None) -> int:
    if exponent is None or not whole.is_finite() or whole.adjusted() > MOST_DIGITS or whole < 0:
        raise AmountInvalid("the provider speaks of an asset or amount that cannot be", field="targetValue")
    scaled = whole.scaleb(exponent)
    if scaled != scaled.to_integral_value():
        raise AmountInvalid("the amount has more digits than its asset", field="targetValue")
    return int(scaled)
