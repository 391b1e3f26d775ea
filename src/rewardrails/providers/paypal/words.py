"""PayPal's words as tables: what each status, refusal and reason is to us.

Sources: https://developer.paypal.com/api/payments.payouts-batch/v1/definitions/transaction_enum,
https://developer.paypal.com/payouts/view-transactions
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import ErrorCode

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
