"""Stripe's words in ours; total for what its v2 client lists, UNKNOWN for what it does not.

Source: https://docs.stripe.com/api/v2/money-management/outbound-payments and https://docs.stripe.com/api/errors
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation, localcontext
from types import MappingProxyType

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import AmountInvalid, ErrorCode
from rewardrails.providers.stripe.currencies import amount_of, exponent_at_stripe, money_of
from rewardrails.providers.stripe.wire import Fee, FxQuote, Intent, Payment

RAIL_KEY = "rewardrails_key"
CONFIRM = "confirm"
CANCELED = "canceled"
NO_MATCH = "no_match"
REQUIRES_ACTION = "requires_action"
DIGITS = 120
MOST_RATE = 24
# An intent that has made no payment; once there is one, the payment's own status counts.
INTENT_STATUSES: Mapping[str, ObservedStatus] = MappingProxyType(
    {
        "pending": ObservedStatus.PENDING,
        "processing": ObservedStatus.PENDING,
        # By us after a refusal, or by a person before anything was sent. It never pays; the payout may be sent anew.
        CANCELED: ObservedStatus.FAILED,
    }
)
PAYMENT_STATUSES: Mapping[str, ObservedStatus] = MappingProxyType(
    {
        "processing": ObservedStatus.PENDING,
        "posted": ObservedStatus.PAID,
        "failed": ObservedStatus.FAILED,
        "canceled": ObservedStatus.CANCELED,
        "returned": ObservedStatus.RETURNED,
    }
)
# Why a payment failed or an intent could not be carried out; a reason that is not here is `provider_rejected`.
REASONS: Mapping[str, ErrorCode] = MappingProxyType(
    {
        "insufficient_funds": ErrorCode.INSUFFICIENT_PROVIDER_FUNDS,
        "fx_rate_drift_exceeded_after_review": ErrorCode.QUOTE_EXPIRED,
        "review_rejected": ErrorCode.PROVIDER_REJECTED,
        "unknown_failure": ErrorCode.PROVIDER_REJECTED,
        "recalled": ErrorCode.RETURNED,
        "payout_method_amount_limit_exceeded": ErrorCode.AMOUNT_INVALID,
        "payout_method_currency_unsupported": ErrorCode.ASSET_UNSUPPORTED,
        "payout_method_declined": ErrorCode.PROVIDER_REJECTED,
        "payout_method_usage_frequency_limit_exceeded": ErrorCode.PROVIDER_REJECTED,
        **dict.fromkeys(
            (
                "account_not_configured_as_recipient",
                "recipient_capability_not_active",
                "payout_method_account_type_incorrect",
                "payout_method_canceled_by_customer",
                "payout_method_closed",
                "payout_method_does_not_exist",
                "payout_method_expired",
                "payout_method_holder_address_incorrect",
                "payout_method_holder_details_incorrect",
                "payout_method_holder_name_incorrect",
                "payout_method_invalid",
                "payout_method_invalid_account_number",
                "payout_method_restricted",
                "payout_method_unsupported",
            ),
            ErrorCode.DESTINATION_INVALID,
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a documented refusal means; `retryable`: a new attempt may succeed without anybody changing the payout."""

    code: ErrorCode
    retryable: bool = False
    scope: RejectionScope = RejectionScope.PAYOUT


_OURS = Refusal(code=ErrorCode.PROVIDER_AUTH_FAILED, retryable=True, scope=RejectionScope.PROVIDER)
# By the error's `type`, or its `code`. Those that say "done before" are no refusals and are not here.
REFUSALS: Mapping[str, Refusal] = MappingProxyType(
    {
        "insufficient_funds": Refusal(
            code=ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, retryable=True, scope=RejectionScope.PROVIDER
        ),
        "quota_exceeded": Refusal(code=ErrorCode.PROVIDER_RATE_LIMITED, retryable=True, scope=RejectionScope.PROVIDER),
        "fx_quote_needs_refresh": Refusal(code=ErrorCode.QUOTE_EXPIRED, retryable=True),
        "invalid_payout_method": Refusal(code=ErrorCode.DESTINATION_INVALID),
        "recipient_not_notifiable": Refusal(code=ErrorCode.DESTINATION_INVALID),
        "blocked_by_stripe": Refusal(code=ErrorCode.PROVIDER_REJECTED),
        "payout_intent_fx_quote_expired": Refusal(code=ErrorCode.QUOTE_EXPIRED, retryable=True),
        "payout_intent_large_rate_drift": Refusal(code=ErrorCode.QUOTE_EXPIRED, retryable=True),
        "invalid_outbound_flow": Refusal(code=ErrorCode.PROVIDER_REJECTED),
        "feature_not_enabled": _OURS,
        "capability_not_enabled": _OURS,
        "financial_account_not_open": _OURS,
    }
)
# The key was used for something else: no refusal of what it was used for.
KEY_CONFLICT = "idempotency_error"
ALREADY_CANCELED = "already_canceled"
NOT_CANCELABLE = frozenset({"not_cancelable", "payout_intent_not_cancelable"})


def fee_of(intent: Intent, amount: Money, assets: Mapping[str, int]) -> Money:
    """The estimated fees in the asset of the amount, each at the locked rate and rounded up; raises `AmountInvalid`."""
    if intent.amount != amount_of(amount, assets):
        raise AmountInvalid("the intent is for another amount", field="amount")
    if intent.estimated_fees is None:
        raise AmountInvalid("the intent names no fees", field="estimated_fees")
    total = sum(_fee(one, intent, amount.asset, assets) for one in intent.estimated_fees)
    return Money(amount_minor=total, asset=amount.asset)


def awaits_confirmation(intent: Intent) -> bool:
    """Whether nobody has confirmed it: it moves nothing, and is no payout yet."""
    waits = intent.next_action is not None and intent.next_action.type == CONFIRM
    return intent.status == REQUIRES_ACTION and waits and intent.latest_payout is None


def never_paid(intent: Intent) -> bool:
    """Whether an intent was canceled before it made a payment: it has paid nobody and never will."""
    return intent.status == CANCELED and intent.latest_payout is None


def observation_of(
    intent: Intent, payment: Payment | None, rail_key: str, assets: Mapping[str, int], evidence: Evidence
) -> Observation | None:
    """A confirmed intent and its payment as a statement about an attempt of ours; None where they are another's."""
    if (intent.metadata or {}).get(RAIL_KEY) != rail_key:
        return None
    if payment is not None and (payment.payout_intent != intent.id or payment.amount != intent.amount):
        return None
    try:
        amount = money_of(intent.amount, assets)
    except AmountInvalid:
        return None
    status, reason = _standing(intent, payment)
    is_bad = status in (ObservedStatus.FAILED, ObservedStatus.RETURNED)
    return Observation(
        status=status,
        rail_key=rail_key,
        provider_reference=intent.id,
        amount=amount,
        fee=_fee_if_told(intent, amount, assets) if status is ObservedStatus.PAID else None,
        code=REASONS.get(reason, ErrorCode.PROVIDER_REJECTED) if is_bad else None,
        retryable=never_paid(intent),
        live=intent.livemode,
        evidence=evidence,
    )


def _fee_if_told(intent: Intent, amount: Money, assets: Mapping[str, int]) -> Money | None:
    try:
        return fee_of(intent, amount, assets)
    except AmountInvalid:
        return None


def _standing(intent: Intent, payment: Payment | None) -> tuple[ObservedStatus, str]:
    if payment is not None:
        told = payment.status_details
        reason = (told.returned or told.failed) if told is not None else None
        return PAYMENT_STATUSES.get(payment.status, ObservedStatus.UNKNOWN), reason.reason if reason else ""
    if intent.latest_payout is not None:
        return ObservedStatus.UNKNOWN, ""
    failure = intent.next_action.handle_failure if intent.next_action is not None else None
    if intent.status == REQUIRES_ACTION and failure is not None:
        return ObservedStatus.FAILED, failure.failure_reason
    return INTENT_STATUSES.get(intent.status, ObservedStatus.UNKNOWN), ""


def _fee(fee: Fee, intent: Intent, asset: str, assets: Mapping[str, int]) -> int:
    theirs = fee.amount.currency.upper()
    with localcontext(prec=DIGITS):
        exact = Decimal(fee.amount.value) + _tax(fee)
        if fee.amount.value < 0:
            raise AmountInvalid("a fee is less than nothing", field="estimated_fees")
        if theirs != asset:
            exact *= _rate_between(fee.amount.currency, asset, intent.fx_quote)
        return int(exact.scaleb(assets[asset] - exponent_at_stripe(theirs)).to_integral_value(ROUND_CEILING))


def _tax(fee: Fee) -> Decimal:
    """What is charged on top of a fee, in the fee's smallest units; Stripe tells it in whole ones."""
    tax = fee.tax_amount
    if tax is None:
        return Decimal(0)
    if tax.currency.upper() != fee.amount.currency.upper():
        raise AmountInvalid("a tax is in another currency than its fee", field="estimated_fees")
    return _decimal(tax.value_decimal).scaleb(exponent_at_stripe(tax.currency.upper()))


def _rate_between(currency: str, asset: str, quote: FxQuote | None) -> Decimal:
    if quote is None or quote.to_currency.upper() != asset or currency not in quote.rates:
        raise AmountInvalid("a fee is in a currency without a rate", field="estimated_fees")
    rate = _decimal(quote.rates[currency].exchange_rate)
    if not rate:
        raise AmountInvalid("a rate that cannot be", field="fx_quote")
    return rate


def _decimal(text: str) -> Decimal:
    """An exact decimal, not negative and of a sensible size."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or value < 0 or abs(value.adjusted()) > MOST_RATE or len(text) > DIGITS // 2:
        raise AmountInvalid("a figure that cannot be", field="estimated_fees")
    return value
