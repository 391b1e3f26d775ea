"""Acme's words in ours; what Acme does not document is unknown."""

from collections.abc import Mapping
from types import MappingProxyType

from acme_rail.wire import NewTransfer, Recipient, Transfer
from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import OutcomeUnknown, Rejected, RejectionScope
from rewardrails.errors import ErrorCode

STATES: Mapping[str, ObservedStatus] = MappingProxyType(
    {
        "open": ObservedStatus.PENDING,
        "sent": ObservedStatus.PAID,
        "rejected": ObservedStatus.FAILED,
        "withdrawn": ObservedStatus.CANCELED,
        "bounced": ObservedStatus.RETURNED,
    }
)
REFUSALS: Mapping[str, ErrorCode] = MappingProxyType(
    {
        "account_closed": ErrorCode.DESTINATION_INVALID,
        "currency_not_offered": ErrorCode.ASSET_UNSUPPORTED,
        "float_empty": ErrorCode.INSUFFICIENT_PROVIDER_FUNDS,
        "malformed": ErrorCode.PROVIDER_REJECTED,
    }
)
OF_THE_PROVIDER = frozenset({ErrorCode.INSUFFICIENT_PROVIDER_FUNDS})


def new_transfer(order: Order) -> NewTransfer:
    """An order as Acme takes it."""
    to = order.destination
    return NewTransfer(
        client_ref=order.rail_key,
        cents=order.amount.amount_minor,
        currency=order.amount.asset,
        to=Recipient(type=to.kind, account=to.value, note=to.memo),
    )


def refusal_of(reason: str, evidence: Evidence) -> Rejected | OutcomeUnknown:
    """A documented refusal is certain; "key_used" and whatever Acme does not document is not."""
    code = REFUSALS.get(reason)
    if code is None:
        return OutcomeUnknown(evidence=evidence)
    if code in OF_THE_PROVIDER:
        return Rejected(code=code, retryable=True, scope=RejectionScope.PROVIDER, evidence=evidence)
    return Rejected(code=code, retryable=False, evidence=evidence)


def observation_of(transfer: Transfer, evidence: Evidence, *, event_key: str = "") -> Observation:
    """A transfer as a statement about an attempt of ours."""
    status = STATES.get(transfer.state, ObservedStatus.UNKNOWN)
    failed = status is ObservedStatus.FAILED
    return Observation(
        status=status,
        rail_key=transfer.client_ref,
        provider_reference=transfer.id,
        amount=Money(amount_minor=transfer.cents, asset=transfer.currency),
        destination=Destination(kind=transfer.to.type, value=transfer.to.account, memo=transfer.to.note),
        code=REFUSALS.get(transfer.reason, ErrorCode.PROVIDER_REJECTED) if failed else None,
        event_key=event_key,
        evidence=evidence,
    )
