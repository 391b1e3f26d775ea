"""The fake provider's words in ours; total for what it documents, UNKNOWN for what it does not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rewardrails.domain.assets import Asset, parse_amount
from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import AmountInvalid, ErrorCode
from rewardrails.providers.fake.wire import PayoutReply

_zero = re.compile(r"0+(?:\.0+)?").fullmatch

STATUSES: Mapping[str, ObservedStatus] = MappingProxyType(
    {
        "queued": ObservedStatus.PENDING,
        "processing": ObservedStatus.PENDING,
        "paid": ObservedStatus.PAID,
        "failed": ObservedStatus.FAILED,
        "canceled": ObservedStatus.CANCELED,
        "returned": ObservedStatus.RETURNED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorCode:
    """What a documented code means; `retryable`: a new attempt may succeed without anybody changing the payout."""

    code: ErrorCode
    retryable: bool = False
    scope: RejectionScope = RejectionScope.PAYOUT


REFUSALS: Mapping[str, VendorCode] = MappingProxyType(
    {
        "destination_closed": VendorCode(code=ErrorCode.DESTINATION_INVALID),
        "destination_invalid": VendorCode(code=ErrorCode.DESTINATION_INVALID),
        "destination_unsupported": VendorCode(code=ErrorCode.DESTINATION_UNSUPPORTED),
        "recipient_action_required": VendorCode(code=ErrorCode.PLAYER_ACTION_REQUIRED),
        "amount_too_low": VendorCode(code=ErrorCode.AMOUNT_BELOW_MINIMUM),
        "amount_too_high": VendorCode(code=ErrorCode.AMOUNT_ABOVE_MAXIMUM),
        "amount_malformed": VendorCode(code=ErrorCode.AMOUNT_INVALID),
        "asset_not_supported": VendorCode(code=ErrorCode.ASSET_UNSUPPORTED),
        "insufficient_float": VendorCode(
            code=ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, retryable=True, scope=RejectionScope.PROVIDER
        ),
        "compliance_declined": VendorCode(code=ErrorCode.PROVIDER_REJECTED),
        "request_invalid": VendorCode(code=ErrorCode.PROVIDER_REJECTED),
        "key_missing": VendorCode(code=ErrorCode.PROVIDER_REJECTED),
    }
)

# Documented codes that say nothing about whether money moves: the HTTP status or a lookup decides.
NOT_REFUSALS: Mapping[str, ErrorCode] = MappingProxyType(
    {
        "key_reused": ErrorCode.DUPLICATE_CONFLICT,
        "not_cancelable": ErrorCode.NOT_CANCELABLE,
        "not_found": ErrorCode.OUTCOME_UNKNOWN,
        "unauthorized": ErrorCode.PROVIDER_AUTH_FAILED,
        "rate_limited": ErrorCode.PROVIDER_RATE_LIMITED,
        "unavailable": ErrorCode.OUTCOME_UNKNOWN,
        "internal": ErrorCode.OUTCOME_UNKNOWN,
    }
)


def status_of(vendor_status: str) -> ObservedStatus:
    """The provider's status, normalised."""
    return STATUSES.get(vendor_status, ObservedStatus.UNKNOWN)


def money_of(amount: str, asset: str, exponents: Mapping[str, int]) -> Money:
    """A decimal string as money, zero included; raises `AmountInvalid`, also for an asset that is not configured."""
    exponent = exponents.get(asset)
    if exponent is None:
        raise AmountInvalid("the provider speaks of an asset that is not configured", field="asset")
    if _zero(amount):
        return Money(amount_minor=0, asset=asset)
    known = Asset(code=asset, exponent=exponent, redeemable=True)
    return Money(amount_minor=parse_amount(amount, known), asset=asset)


def observation_of(
    payout: PayoutReply, exponents: Mapping[str, int], evidence: Evidence, *, event_key: str = ""
) -> Observation:
    """A payout of theirs as a statement about an attempt of ours; raises `AmountInvalid`."""
    status = status_of(payout.status)
    known = REFUSALS.get(payout.failure_code)
    return Observation(
        status=status,
        rail_key=payout.reference,
        provider_reference=payout.id,
        amount=money_of(payout.amount, payout.asset, exponents),
        destination=Destination(
            kind=payout.destination.kind, value=payout.destination.value, memo=payout.destination.memo
        ),
        fee=money_of(payout.fee, payout.asset, exponents),
        code=_reason(status, known),
        retryable=status is ObservedStatus.FAILED and known is not None and known.retryable,
        event_key=event_key,
        live=payout.livemode,
        evidence=evidence,
    )


def _reason(status: ObservedStatus, known: VendorCode | None) -> ErrorCode | None:
    if status is ObservedStatus.RETURNED:
        return ErrorCode.RETURNED
    if status is ObservedStatus.FAILED:
        return known.code if known is not None else ErrorCode.PROVIDER_REJECTED
    return None
