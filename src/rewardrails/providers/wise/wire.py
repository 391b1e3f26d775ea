"""Wise's JSON, as far as the adapter needs it; numbers are read and written as exact decimals.

Source: https://docs.wise.com/api-reference
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

_PLAIN = r"^[^\x00-\x1f\x7f]*\Z"
Text = Annotated[str, Meta(max_length=500, pattern=_PLAIN)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_PLAIN)]
Number = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Details = dict[str, str | dict[str, str]]
"""A recipient's fields; those of a group lie in an object of their own."""


class NewQuote(Struct, frozen=True, rename="camel"):
    """Body of POST /v3/profiles/{id}/quotes: what is to arrive; the rest is for Wise to say."""

    source_currency: str
    target_currency: str
    target_amount: Decimal
    pay_out: str = "BANK_TRANSFER"


class PaymentOption(Struct, frozen=True, rename="camel"):
    """One way to pay for a quote; `source_amount` is what is taken, fees included."""

    pay_in: Name
    source_amount: Decimal
    target_amount: Decimal
    disabled: bool = False


class Quote(Struct, frozen=True, rename="camel"):
    """A quote with its locked rate; one transfer can be made of it."""

    id: Name
    source_currency: Name
    target_currency: Name
    rate: Decimal
    expiration_time: Annotated[datetime, Meta(tz=True)]
    payment_options: Annotated[list[PaymentOption], Meta(max_length=100)] = []


class NewRecipient(Struct, frozen=True, rename="camel"):
    """Body of POST /v1/accounts."""

    profile: int
    account_holder_name: str
    currency: str
    type: str
    details: Details


class Recipient(Struct, frozen=True):
    """Answer of POST /v1/accounts."""

    id: Number


class Reference(Struct, frozen=True):
    """What the player reads on the bank statement."""

    reference: str


class NewTransfer(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Body of POST /v1/transfers; a repeat with the same `customer_transaction_id` is answered with the first."""

    target_account: int
    quote_uuid: str
    customer_transaction_id: str
    details: Reference | None = None


class Transfer(Struct, frozen=True, rename="camel"):
    """A transfer in an answer."""

    id: Number
    target_account: Number
    status: Name
    target_currency: Name
    target_value: Decimal
    customer_transaction_id: Text | None = None
    quote_uuid: Text | None = None
    created: Text = ""


class NewPayment(Struct, frozen=True):
    """Body of POST .../payments: pay for the transfer out of the balance."""

    type: str = "BALANCE"


class Payment(Struct, frozen=True, rename="camel"):
    """Answer of POST .../payments; `status` may be a refusal under HTTP 200."""

    status: Name
    type: Text = ""
    error_code: Text | None = None


class Fault(Struct, frozen=True):
    """One thing that was wrong; codes are not unique, so that `path` says more."""

    code: Text = ""
    path: Text | None = None


class ErrorReply(Struct, frozen=True, rename="camel"):
    """An error answer, in either of Wise's two shapes."""

    errors: Annotated[list[Fault], Meta(max_length=100)] = []
    error_code: Text | None = None
    error: Text | None = None


class Profile(Struct, frozen=True):
    """Answer of GET /v2/profiles/{id}."""

    id: Number


class Amount(Struct, frozen=True):
    """So much of a currency."""

    value: Decimal
    currency: Name


class Balance(Struct, frozen=True):
    """One balance of the profile."""

    id: Number
    amount: Amount
    type: Text = ""


class Resource(Struct, frozen=True):
    """What an event is about; numbers in the documents, text is taken too."""

    id: Number | Name
    type: Name
    profile_id: Number | None = None


class EventData(Struct, frozen=True):
    """An event's inside; one about a failed payout names its transfer without a resource."""

    occurred_at: Name
    resource: Resource | None = None
    current_state: Text | None = None
    transfer_id: Number | None = None
    profile_id: Number | None = None


class Event(Struct, frozen=True):
    """Body of a webhook."""

    event_type: Name
    data: EventData


ENCODER = msgspec.json.Encoder(decimal_format="number")
QUOTE = msgspec.json.Decoder(Quote)
RECIPIENT = msgspec.json.Decoder(Recipient)
TRANSFER = msgspec.json.Decoder(Transfer)
TRANSFERS = msgspec.json.Decoder(Annotated[list[Transfer], Meta(max_length=1_000)])
PAYMENT = msgspec.json.Decoder(Payment)
ERROR = msgspec.json.Decoder(ErrorReply)
PROFILE = msgspec.json.Decoder(Profile)
BALANCES = msgspec.json.Decoder(Annotated[list[Balance], Meta(max_length=1_000)])
EVENT = msgspec.json.Decoder(Event)
