"""Tremendous' JSON, as far as the adapter needs it; numbers are read and written as exact decimals.

Source: https://developers.tremendous.com/reference/core-orders-create
"""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

_PLAIN = r"^[^\x00-\x1f\x7f]*\Z"
Text = Annotated[str, Meta(max_length=500, pattern=_PLAIN)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_PLAIN)]


class Value(Struct, frozen=True):
    """What the reward is worth: whole units of a currency."""

    denomination: Decimal
    currency_code: Name


class Recipient(Struct, frozen=True):
    """Who gets it."""

    email: str | None = None


class Delivery(Struct, frozen=True, omit_defaults=True):
    """How it gets there, and how far it has come."""

    method: Name
    status: Text = ""


class NewReward(Struct, frozen=True, omit_defaults=True):
    """The one reward of an order."""

    value: Value
    recipient: Recipient
    delivery: Delivery
    campaign_id: str = ""
    products: tuple[str, ...] = ()


class Payment(Struct, frozen=True):
    """Who pays."""

    funding_source_id: str


class NewOrder(Struct, frozen=True):
    """Body of POST /orders."""

    external_id: str
    payment: Payment
    reward: NewReward


class Reward(Struct, frozen=True):
    """A reward in an answer."""

    id: Name
    value: Value
    delivery: Delivery
    recipient: Recipient = Recipient()


class Charge(Struct, frozen=True):
    """What an order cost, in the organisation's currency."""

    fees: Decimal
    currency_code: Name


class Order(Struct, frozen=True):
    """An order in an answer."""

    id: Name
    status: Name
    external_id: Text | None = None
    payment: Charge | None = None
    rewards: Annotated[list[Reward], Meta(max_length=10)] = []


class OrderReply(Struct, frozen=True):
    """Answer of POST /orders."""

    order: Order


class OrdersReply(Struct, frozen=True):
    """Answer of GET /orders?external_id=."""

    orders: Annotated[list[Order], Meta(max_length=100)]


class ListedDelivery(Struct, frozen=True):
    """How far a reward has come, in the list; a link has no status."""

    status: Text = ""


class ListedReward(Struct, frozen=True):
    """A reward in the list of orders; the list holds what others have ordered too."""

    id: Name
    value: Value
    delivery: ListedDelivery = ListedDelivery()


class ListedOrder(Struct, frozen=True):
    """An order in the list."""

    id: Name
    status: Name
    created_at: Name
    external_id: Text | None = None
    payment: Charge | None = None
    rewards: Annotated[list[ListedReward], Meta(max_length=1_000)] = []


class OrderPage(Struct, frozen=True):
    """Answer of GET /orders?created_at[gte]=."""

    orders: Annotated[list[ListedOrder], Meta(max_length=500)]


class Errors(Struct, frozen=True):
    """What was wrong; `payload` has the shape of the request, with words where the faults are."""

    message: Text = ""
    payload: dict[str, Any] = {}


class ErrorReply(Struct, frozen=True):
    """Every error answer."""

    errors: Errors


class FundingMeta(Struct, frozen=True):
    """What a funding source holds, in hundredths of a currency."""

    available_cents: int | None = None
    currency_code: Text | None = None


class FundingSource(Struct, frozen=True):
    """A way to pay."""

    id: Name
    meta: FundingMeta


class FundingReply(Struct, frozen=True):
    """Answer of GET /funding_sources/{id}."""

    funding_source: FundingSource


class Hook(Struct, frozen=True):
    """Where events go, and the key they are signed with."""

    url: Text
    private_key: Text = ""


class HooksReply(Struct, frozen=True):
    """Answer of GET /webhooks."""

    webhooks: tuple[Hook, ...]


class Resource(Struct, frozen=True):
    """What an event is about."""

    id: Name
    type: Name


class EventPayload(Struct, frozen=True):
    """An event's inside."""

    resource: Resource


class Event(Struct, frozen=True):
    """Body of a webhook."""

    event: Name
    uuid: Name
    created_utc: Name
    payload: EventPayload


ENCODER = msgspec.json.Encoder(decimal_format="number")
ORDER = msgspec.json.Decoder(OrderReply)
ORDERS = msgspec.json.Decoder(OrdersReply)
PAGE = msgspec.json.Decoder(OrderPage)
ERROR = msgspec.json.Decoder(ErrorReply)
HOOKS = msgspec.json.Decoder(HooksReply)
FUNDING = msgspec.json.Decoder(FundingReply)
EVENT = msgspec.json.Decoder(Event)
