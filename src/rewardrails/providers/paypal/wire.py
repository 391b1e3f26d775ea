"""PayPal's JSON, as far as the adapter needs it; amounts are texts on both sides and never become binary fractions.

Source: https://developer.paypal.com/docs/api/payments.payouts-batch/v1/
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

_PLAIN = r"^[^\x00-\x1f\x7f]*\Z"
Text = Annotated[str, Meta(max_length=1000, pattern=_PLAIN)]
Name = Annotated[str, Meta(min_length=1, max_length=256, pattern=_PLAIN)]
# An id that we put into the path of a request.
Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+\Z")]
Whole = Annotated[str, Meta(pattern=r"^[0-9]{1,24}(\.[0-9]{1,8})?\Z")]


class Amount(Struct, frozen=True):
    """Whole units of a currency."""

    currency: Name
    value: Whole


class NewItem(Struct, frozen=True):
    """The one payout of a batch."""

    recipient_type: str
    receiver: str
    amount: Amount
    sender_item_id: str


class NewHeader(Struct, frozen=True, omit_defaults=True):
    """What is said of the whole batch; the texts go into PayPal's e-mail."""

    sender_batch_id: str
    email_subject: str = ""
    email_message: str = ""


class NewBatch(Struct, frozen=True):
    """Body of POST /v1/payments/payouts."""

    sender_batch_header: NewHeader
    items: tuple[NewItem, ...]


class SenderHeader(Struct, frozen=True):
    """Our own words, repeated."""

    sender_batch_id: Text = ""


class BatchHeader(Struct, frozen=True):
    """A batch in an answer; `amount` is the sum of its items."""

    payout_batch_id: Id
    batch_status: Name
    sender_batch_header: SenderHeader
    amount: Amount | None = None


class Fault(Struct, frozen=True):
    """Why an item has not arrived."""

    name: Text = ""
    message: Text = ""


class Sent(Struct, frozen=True):
    """What an item was asked to pay."""

    amount: Amount
    receiver: Text
    sender_item_id: Text = ""


class Item(Struct, frozen=True):
    """A payout in an answer or a notice; only those about one item name its batch by our word for it."""

    payout_item_id: Id
    payout_batch_id: Id
    payout_item: Sent
    transaction_status: Text = ""
    transaction_id: Text = ""
    sender_batch_id: Text = ""
    payout_item_fee: Amount | None = None
    errors: Fault | None = None


class BatchReply(Struct, frozen=True):
    """Answer of POST /v1/payments/payouts, and of GET for a batch."""

    batch_header: BatchHeader
    items: Annotated[list[Item], Meta(max_length=1000)] = []


class Link(Struct, frozen=True):
    """Where something else is."""

    href: Text = ""


class Detail(Struct, frozen=True):
    """What was wrong with one field."""

    field: Text = ""
    issue: Text = ""
    link: Annotated[list[Link], Meta(max_length=20)] = []
    links: Annotated[list[Link], Meta(max_length=20)] = []


class Problem(Struct, frozen=True):
    """Every error answer."""

    name: Name
    message: Text = ""
    debug_id: Text = ""
    details: Annotated[list[Detail], Meta(max_length=100)] = []
    links: Annotated[list[Link], Meta(max_length=20)] = []


class Token(Struct, frozen=True):
    """Answer of POST /v1/oauth2/token."""

    access_token: Annotated[str, Meta(min_length=1, max_length=4000, pattern=r"^[\x21-\x7e]+\Z")]
    expires_in: Annotated[int, Meta(ge=0, le=10_000_000)]


class Signed(Struct, frozen=True):
    """An amount of the account's history; what left it is negative."""

    currency_code: Name
    value: Annotated[str, Meta(pattern=r"^-?[0-9]{1,24}(\.[0-9]{1,8})?\Z")]


class TransactionInfo(Struct, frozen=True):
    """One line of the account's history."""

    transaction_id: Name
    transaction_initiation_date: Name
    transaction_amount: Signed
    transaction_status: Text = ""
    transaction_event_code: Text = ""
    fee_amount: Signed | None = None


class Transaction(Struct, frozen=True):
    """The same in its wrapping."""

    transaction_info: TransactionInfo


class TransactionPage(Struct, frozen=True):
    """Answer of GET /v1/reporting/transactions."""

    transaction_details: Annotated[list[Transaction], Meta(max_length=500)]
    total_pages: Annotated[int, Meta(ge=0, le=1_000_000)]


class ItemEvent(Struct, frozen=True):
    """A notice about an item."""

    resource: Item


class BatchEvent(Struct, frozen=True):
    """A notice about a batch."""

    resource: BatchReply


class Event(Struct, frozen=True):
    """What every notice has."""

    id: Name
    event_type: Name


ENCODER = msgspec.json.Encoder()
BATCH = msgspec.json.Decoder(BatchReply)
ITEM = msgspec.json.Decoder(Item)
PROBLEM = msgspec.json.Decoder(Problem)
TOKEN = msgspec.json.Decoder(Token)
EVENT = msgspec.json.Decoder(Event)
ITEM_EVENT = msgspec.json.Decoder(ItemEvent)
BATCH_EVENT = msgspec.json.Decoder(BatchEvent)
TRANSACTIONS = msgspec.json.Decoder(TransactionPage)
