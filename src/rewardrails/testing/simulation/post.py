"""Notices between rails and us: what a true one says, how it is signed, and what can be wrong with one."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ErrorCode
from rewardrails.secrets import Secret

BAD = "bad-notice"


class Lie(StrEnum):
    """What is wrong with a notice that must move nothing."""

    BAD_SIGNATURE = "with a bad signature"
    OTHER_SECRET = "signed with the other rail's secret"  # noqa: S105 - a lie's name
    OTHER_ROUTE = "from the other rail, about this rail's payout"
    OTHER_AMOUNT = "of another amount"
    OTHER_ASSET = "in another asset"
    OTHER_DESTINATION = "to another destination"
    OTHER_REFERENCE = "under another reference"
    LIVE = "from the other environment"
    FUTURE = "signed an hour ahead"
    NO_SUCH_PAYOUT = "of a payout that never was"


class Body(msgspec.Struct, kw_only=True, frozen=True):
    """The JSON of a notice."""

    key: str
    reference: str
    status: ObservedStatus
    amount_minor: int
    asset: str
    destination: tuple[str, str, str]
    fee_minor: int
    live: bool = False
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice on its way to the route of `rail`; `about` says it in words."""

    number: int
    rail: str
    body: Body
    signed_by: Secret
    about: str
    lie: Lie | None = None
    ahead_seconds: float = 0.0

    def delivered(self, *, sent_at: datetime, received_at: datetime) -> WebhookRequest:
        """The request of one delivery; each is signed anew, under the same event id."""
        event_id = f"{BAD if self.lie else 'event'}-{self.number}"
        stamp = str(int(sent_at.timestamp() + self.ahead_seconds))
        body = msgspec.json.encode(self.body)
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": stamp,
            "webhook-signature": _sign(self.signed_by, event_id, stamp, body),
        }
        return WebhookRequest(body=body, headers=headers, received_at=received_at)


def read(body: bytes, event_id: str) -> Observation:
    """What a verified notice says, as an adapter reads it."""
    said = msgspec.json.decode(body, type=Body)
    kind, value, memo = said.destination
    return Observation(
        status=said.status,
        rail_key=said.key,
        provider_reference=said.reference,
        amount=Money(amount_minor=said.amount_minor, asset=said.asset),
        destination=Destination(kind=kind, value=value, memo=memo),
        fee=Money(amount_minor=said.fee_minor, asset=said.asset) if said.status is ObservedStatus.PAID else None,
        code=ErrorCode.PROVIDER_REJECTED if said.status is ObservedStatus.FAILED else None,
        event_key=event_id,
        live=said.live,
        evidence=Evidence(provider_code=said.mark),
    )


def _sign(secret: Secret, event_id: str, stamp: str, body: bytes) -> str:
    """Standard Webhooks, by the rail's own lines and not by those that check it."""
    key = b64decode(secret.reveal().removeprefix("whsec_"))
    digest = hmac.new(key, f"{event_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + b64encode(digest).decode()
