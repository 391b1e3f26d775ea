"""The fake provider's JSON, as far as the adapter needs it; unknown members are ignored, wrong types refused.

No text may hold a control character: it would be written into the database and shown to people.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

_PLAIN = r"^[^\x00-\x1f\x7f]*\Z"
Text = Annotated[str, Meta(max_length=500, pattern=_PLAIN)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_PLAIN)]


class WireDestination(Struct, frozen=True):
    """Where the money goes."""

    kind: Name
    value: Annotated[str, Meta(min_length=1, max_length=500)]
    memo: Text = ""


class CreateRequest(Struct, frozen=True):
    """Body of POST /v1/payouts; `amount` is a decimal string."""

    reference: str
    amount: str
    asset: str
    destination: WireDestination


class PayoutReply(Struct, frozen=True):
    """A payout, in answers and in events."""

    id: Name
    reference: Name
    status: Name
    amount: Text
    asset: Name
    destination: WireDestination
    fee: Text
    livemode: bool
    failure_code: Text = ""
    created_at: Text = ""


class ListReply(Struct, frozen=True):
    """Answer of GET /v1/payouts?reference=."""

    payouts: Annotated[list[PayoutReply], Meta(max_length=100)]


class PageReply(Struct, frozen=True):
    """Answer of GET /v1/payouts?from=&to=; `next` names the page after, and is empty on the last one."""

    payouts: Annotated[list[PayoutReply], Meta(max_length=1000)]
    next: Text = ""


class ErrorDetail(Struct, frozen=True):
    """An error's inside."""

    code: Name
    message: Text = ""


class ErrorReply(Struct, frozen=True):
    """Every error answer."""

    error: ErrorDetail


class BalanceReply(Struct, frozen=True):
    """Answer of GET /v1/balance."""

    balances: dict[str, str]


class EventBody(Struct, frozen=True):
    """Body of a webhook."""

    id: Name
    type: Name
    data: PayoutReply


ENCODER = msgspec.json.Encoder()
PAYOUT = msgspec.json.Decoder(PayoutReply)
LIST = msgspec.json.Decoder(ListReply)
PAGE = msgspec.json.Decoder(PageReply)
ERROR = msgspec.json.Decoder(ErrorReply)
BALANCE = msgspec.json.Decoder(BalanceReply)
EVENT = msgspec.json.Decoder(EventBody)
