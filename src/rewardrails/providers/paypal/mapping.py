"""PayPal's words in ours; total for what it documents, UNKNOWN for what it does not.

Sources: https://developer.paypal.com/api/payments.payouts-batch/v1/definitions/transaction_enum,
https://developer.paypal.com/payouts/view-transactions
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from rewardrails.domain.assets import format_amount
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import AmountInvalid, ErrorCode
from rewardrails.providers.paypal.wire import Amount, BatchReply, Item, Problem

PROCESSED = "SUCCESS"
UNCLAIMED = "UNCLAIMED"
RETURNED = "RETURNED"

# PROCESSED is not here: a batch that was processed may hold an item that was not paid.
BATCH_STATUSES: Mapping[str, ObservedStatus] = MappingProxyType(
    {
        "PENDING": ObservedStatus.PENDING,
        "PROCESSING": ObservedStatus.PENDING,
        "DENIED": ObservedStatus.FAILED,
        "CANCELED": ObservedStatus.CANCELED,
    }
)
# No page says that the money of a blocked item is back, so it counts as on its way until it is.
ITEM_STATUSES: Mapping[str, ObservedStatus] = MappingProxyType(
    {
        "SUCCESS": ObservedStatus.PAID,
        "FAILED": ObservedStatus.FAILED,
        "PENDING": ObservedStatus.PENDING,
        UNCLAIMED: ObservedStatus.PENDING,
        "ONHOLD": ObservedStatus.PENDING,
        "BLOCKED": ObservedStatus.PENDING,
        RETURNED: ObservedStatus.RETURNED,
        "REFUNDED": ObservedStatus.RETURNED,
        "REVERSED": ObservedStatus.RETURNED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a documented refusal means; `retryable`: a new attempt may succeed without anybody changing the payout."""

    code: ErrorCode
    retryable: bool = False
    scope: RejectionScope = RejectionScope.PAYOUT


def _of_account(code: ErrorCode) -> Refusal:
    return Refusal(code=code, retryable=True, scope=RejectionScope.PROVIDER)


_NOT_ALLOWED = _of_account(ErrorCode.PROVIDER_AUTH_FAILED)
REFUSAL_STATUSES = frozenset({400, 403, 422})
REFUSALS: Mapping[str, Refusal] = MappingProxyType(
    {
        "ACCOUNT_RESTRICTED": _NOT_ALLOWED,
        "ACCOUNT_UNCONFIRMED_EMAIL": _NOT_ALLOWED,
        "AUTHORIZATION_ERROR": _NOT_ALLOWED,
        "CIP_NOT_VERIFIED": _NOT_ALLOWED,
        "INSUFFICIENT_FUNDS": _of_account(ErrorCode.INSUFFICIENT_PROVIDER_FUNDS),
        "NEGATIVE_BALANCE": _of_account(ErrorCode.INSUFFICIENT_PROVIDER_FUNDS),
        "NON_HOLDING_CURRENCY": Refusal(code=ErrorCode.ASSET_UNSUPPORTED),
        "RATE_LIMIT_VALIDATION": _of_account(ErrorCode.PROVIDER_RATE_LIMITED),
        "RATE_LIMIT_VALIDATION_FAILURES": _of_account(ErrorCode.PROVIDER_RATE_LIMITED),
        "REFUSED_ACTION_DENIED": _NOT_ALLOWED,
        "REQUIRED_SCOPE_MISSING": _NOT_ALLOWED,
        "SENDER_ACCOUNT_LOCKED": _NOT_ALLOWED,
        "SENDER_ACCOUNT_UNVERIFIED": _NOT_ALLOWED,
        "SENDER_EMAIL_UNCONFIRMED": _NOT_ALLOWED,
        "SENDER_LOCKED": _NOT_ALLOWED,
        "SENDER_RESTRICTED": _NOT_ALLOWED,
        "SENDER_STATE_RESTRICTED": _NOT_ALLOWED,
        "SYNC_MODE_NOT_APPLICABLE": Refusal(code=ErrorCode.PROVIDER_REJECTED),
        "USER_COUNTRY_NOT_ALLOWED": _NOT_ALLOWED,
        "USER_FUNDING_SOURCE_INELIGIBLE": _of_account(ErrorCode.INSUFFICIENT_PROVIDER_FUNDS),
        "VALIDATION_ERROR": Refusal(code=ErrorCode.PROVIDER_REJECTED),
        "ZERO_AMOUNT": Refusal(code=ErrorCode.AMOUNT_INVALID),
    }
)
# Words of an error that do not say that nothing was done.
NOT_REFUSALS: Mapping[str, ErrorCode] = MappingProxyType(
    {
        "INTERNAL_ERROR": ErrorCode.OUTCOME_UNKNOWN,
        "PREVIOUS_REQUEST_IN_PROGRESS": ErrorCode.OUTCOME_UNKNOWN,
        "REQUEST_TIMEOUT_EXCEEDED": ErrorCode.OUTCOME_UNKNOWN,
        "USER_BUSINESS_ERROR": ErrorCode.DUPLICATE_CONFLICT,
    }
)
# The field at fault of a VALIDATION_ERROR, by the end of its path in the request.
FAULTS: Mapping[str, ErrorCode] = MappingProxyType(
    {
        "receiver": ErrorCode.DESTINATION_INVALID,
        "amount.value": ErrorCode.AMOUNT_INVALID,
        "amount.currency": ErrorCode.ASSET_UNSUPPORTED,
    }
)
# Why an item failed, or what it waits for.
ITEM_ERRORS: Mapping[str, ErrorCode] = MappingProxyType(
    {
        "ACCOUNT_RESTRICTED": ErrorCode.PROVIDER_AUTH_FAILED,
        "ACCOUNT_UNCONFIRMED_EMAIL": ErrorCode.PROVIDER_AUTH_FAILED,
        "APPROVER_DENIED": ErrorCode.PROVIDER_REJECTED,
        "CLOSED_MARKET": ErrorCode.JURISDICTION_NOT_ALLOWED,
        "CURRENCY_COMPLIANCE": ErrorCode.ASSET_UNSUPPORTED,
        "CURRENCY_NOT_SUPPORTED_FOR_RECEIVER": ErrorCode.ASSET_UNSUPPORTED,
        "DUPLICATE_ITEM": ErrorCode.DUPLICATE_CONFLICT,
        "GAMER_FAILED_COUNTRY_OF_RESIDENCE_CHECK": ErrorCode.JURISDICTION_NOT_ALLOWED,
        "GAMER_FAILED_FUNDING_SOURCE_CHECK": ErrorCode.PROVIDER_REJECTED,
        "GAMING_INVALID_PAYMENT_FLOW": ErrorCode.PROVIDER_REJECTED,
        "INSUFFICIENT_FUNDS": ErrorCode.INSUFFICIENT_PROVIDER_FUNDS,
        "INTERNAL_ERROR": ErrorCode.PROVIDER_REJECTED,
        "INVALID_EMAIL": ErrorCode.DESTINATION_INVALID,
        "INVALID_EMAIL_ID": ErrorCode.DESTINATION_INVALID,
        "NEGATIVE_BALANCE": ErrorCode.INSUFFICIENT_PROVIDER_FUNDS,
        "NON_HOLDING_CURRENCY": ErrorCode.ASSET_UNSUPPORTED,
        "PENDING_RECIPIENT_NON_HOLDING_CURRENCY_PAYMENT_PREFERENCE": ErrorCode.PLAYER_ACTION_REQUIRED,
        "POS_LIMIT_EXCEEDED": ErrorCode.INSUFFICIENT_PROVIDER_FUNDS,
        "RECEIVER_ACCOUNT_INVALID": ErrorCode.DESTINATION_INVALID,
        "RECEIVER_ACCOUNT_LIMITATION": ErrorCode.PLAYER_ACTION_REQUIRED,
        "RECEIVER_ACCOUNT_LOCKED": ErrorCode.DESTINATION_UNSUPPORTED,
        "RECEIVER_COUNTRY_NOT_ALLOWED": ErrorCode.JURISDICTION_NOT_ALLOWED,
        "RECEIVER_STATE_RESTRICTED": ErrorCode.JURISDICTION_NOT_ALLOWED,
        "RECEIVER_UNCONFIRMED": ErrorCode.PLAYER_ACTION_REQUIRED,
        "RECEIVER_UNREGISTERED": ErrorCode.PLAYER_ACTION_REQUIRED,
        "RECEIVER_YOUTH_ACCOUNT": ErrorCode.DESTINATION_UNSUPPORTED,
        "RECEIVING_LIMIT_EXCEEDED": ErrorCode.AMOUNT_ABOVE_MAXIMUM,
        "REFUSED_ACTION_DENIED": ErrorCode.PROVIDER_AUTH_FAILED,
        "REFUSED_RECEIVER_REFUSED": ErrorCode.PLAYER_ACTION_REQUIRED,
        "REGULATORY_BLOCKED": ErrorCode.PROVIDER_REJECTED,
        "REGULATORY_PENDING": ErrorCode.PROVIDER_REJECTED,
        "RISK_DECLINE": ErrorCode.PROVIDER_REJECTED,
        "SELF_PAY_NOT_ALLOWED": ErrorCode.DESTINATION_INVALID,
        "SENDER_ACCOUNT_LOCKED": ErrorCode.PROVIDER_AUTH_FAILED,
        "SENDER_STATE_RESTRICTED": ErrorCode.PROVIDER_AUTH_FAILED,
        "SPENDING_LIMIT_EXCEEDED": ErrorCode.INSUFFICIENT_PROVIDER_FUNDS,
        "TRANSACTION_DECLINED_BY_TRAVEL_RULE": ErrorCode.PROVIDER_REJECTED,
        "TRANSACTION_LIMIT_EXCEEDED": ErrorCode.AMOUNT_ABOVE_MAXIMUM,
        "UNDEFINED": ErrorCode.PROVIDER_REJECTED,
        "UNVERIFIED_RECIPIENT_NOT_SUPPORTED": ErrorCode.PLAYER_ACTION_REQUIRED,
        "USER_COUNTRY_NOT_ALLOWED": ErrorCode.PROVIDER_AUTH_FAILED,
        "USER_FUNDING_SOURCE_INELIGIBLE": ErrorCode.INSUFFICIENT_PROVIDER_FUNDS,
        "ZERO_AMOUNT": ErrorCode.AMOUNT_INVALID,
    }
)
_POINTED_AT = re.compile(r"/v1/payments/payouts/([A-Za-z0-9_-]{1,64})/?(?:\?.*)?\Z")


def refusal_of(status: int, problem: Problem | None) -> Refusal | None:
    """What a refusal means; None for a status or a name that is not documented as one."""
    known = REFUSALS.get(problem.name) if problem is not None and status in REFUSAL_STATUSES else None
    if known is None or problem is None or problem.name != "VALIDATION_ERROR":
        return known
    paths = [re.sub(r"[/\[\].]+", ".", detail.field).strip(".").lower() for detail in problem.details]
    at_fault = {code for end, code in FAULTS.items() if any(f".{path}".endswith(f".{end}") for path in paths)}
    return Refusal(code=at_fault.pop()) if len(at_fault) == 1 and len(paths) == 1 else known


def duplicate_of(status: int, problem: Problem | None) -> str | None:
    """The batch that bears the key already; empty where PayPal does not point at it, None when nothing says "duplicate".

    Only the id is taken out of the link: no request goes to an address that stands in an answer.
    """
    if problem is None or status != 400 or problem.name != "USER_BUSINESS_ERROR":
        return None
    links = [link for detail in problem.details for link in (*detail.link, *detail.links)]
    found = {match[1] for link in (*links, *problem.links) if (match := _POINTED_AT.search(link.href))}
    if len(found) == 1:
        return found.pop()
    return "" if any("sender_batch_id" in detail.field.lower() for detail in problem.details) else None


def status_of(batch_status: str, item: Item | None) -> ObservedStatus:
    """Where a batch of one stands: with its item, once there is one; with the batch before, and when it was called off."""
    if item is None or not item.transaction_status:
        return BATCH_STATUSES.get(batch_status, ObservedStatus.UNKNOWN)
    seen = ITEM_STATUSES.get(item.transaction_status, ObservedStatus.UNKNOWN)
    if seen is ObservedStatus.RETURNED and batch_status == "CANCELED":
        return ObservedStatus.CANCELED
    if seen is ObservedStatus.FAILED and code_of(item) is ErrorCode.DUPLICATE_CONFLICT:
        return ObservedStatus.UNKNOWN  # something else was paid in its place
    return seen


def code_of(item: Item | None) -> ErrorCode | None:
    """Why an item failed or waits, by the name of its error."""
    return ITEM_ERRORS.get(item.errors.name) if item is not None and item.errors is not None else None


def money_of(amount: Amount, exponents: Mapping[str, int]) -> Money:
    """An exact amount; raises `AmountInvalid` for a currency that is not configured or a part of a smallest unit."""
    exponent = exponents.get(amount.currency)
    if exponent is None:
        raise AmountInvalid("the provider speaks of a currency that is not configured", field="currency")
    scaled = Decimal(amount.value).scaleb(exponent)
    if scaled != scaled.to_integral_value():
        raise AmountInvalid("the amount has more digits than its currency", field="value")
    return Money(amount_minor=int(scaled), asset=amount.currency)


def amount_of(money: Money, exponents: Mapping[str, int]) -> Amount:
    """An amount as PayPal writes it."""
    return Amount(currency=money.asset, value=format_amount(money.amount_minor, exponents[money.asset]))


def observation_of_batch(batch: BatchReply, exponents: Mapping[str, int], evidence: Evidence) -> Observation:
    """A batch of theirs as a statement about an attempt of ours; raises `AmountInvalid` where it has more than one item."""
    if len(batch.items) > 1:
        raise AmountInvalid("the batch has more than one item", field="items")
    header = batch.batch_header
    item = batch.items[0] if batch.items else None
    asked = item.payout_item.amount if item is not None else header.amount
    return _observation(
        status_of(header.batch_status, item),
        rail_key=header.sender_batch_header.sender_batch_id,
        batch_id=header.payout_batch_id,
        amount=money_of(asked, exponents) if asked is not None else None,
        item=item,
        exponents=exponents,
        evidence=evidence,
    )


def observation_of_item(item: Item, exponents: Mapping[str, int], evidence: Evidence) -> Observation:
    """The same for an item that comes alone; raises `AmountInvalid`."""
    return _observation(
        status_of("", item),
        rail_key=item.sender_batch_id or item.payout_item.sender_item_id,
        batch_id=item.payout_batch_id,
        amount=money_of(item.payout_item.amount, exponents),
        item=item,
        exponents=exponents,
        evidence=evidence,
    )


def _observation(
    status: ObservedStatus,
    *,
    rail_key: str,
    batch_id: str,
    amount: Money | None,
    item: Item | None,
    exponents: Mapping[str, int],
    evidence: Evidence,
) -> Observation:
    code = code_of(item)
    if status is ObservedStatus.FAILED:
        code = code or ErrorCode.PROVIDER_REJECTED
    elif item is not None and item.transaction_status == UNCLAIMED:
        code = ErrorCode.PLAYER_ACTION_REQUIRED
    else:
        code = None
    return Observation(
        status=status,
        rail_key=rail_key,
        provider_reference=batch_id,
        amount=amount,
        fee=_fee(item, amount, exponents),
        code=code,
        evidence=evidence,
    )


def _fee(item: Item | None, amount: Money | None, exponents: Mapping[str, int]) -> Money | None:
    """The fee, where it is charged in the payout's own currency."""
    if item is None or item.payout_item_fee is None or amount is None or item.payout_item_fee.currency != amount.asset:
        return None
    return money_of(item.payout_item_fee, exponents)
