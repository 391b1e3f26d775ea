"""Acme's JSON, as far as this adapter needs it."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Cents = Annotated[int, Meta(ge=0)]


class Recipient(Struct, frozen=True):
    """Where the money goes."""

    type: Name
    account: Name
    note: Annotated[str, Meta(max_length=500)] = ""


class NewTransfer(Struct, frozen=True):
    """Body of POST /transfers, and a member of POST /transfers/bulk."""

    client_ref: Name
    cents: Cents
    currency: Name
    to: Recipient


class Bulk(Struct, frozen=True):
    """Body of POST /transfers/bulk."""

    transfers: list[NewTransfer]


class Transfer(Struct, frozen=True):
    """A transfer in answers and notices."""

    id: Name
    client_ref: Name
    state: Name
    cents: Cents
    currency: Name
    to: Recipient
    reason: str = ""


class Failure(Struct, frozen=True):
    """Body of every refusal."""

    reason: Name


class BulkItem(Struct, frozen=True):
    """What became of one member; exactly one of the two is set."""

    transfer: Transfer | None = None
    reason: str = ""


class BulkResult(Struct, frozen=True):
    """Answer of POST /transfers/bulk, in the order of the request."""

    items: list[BulkItem]


class Listing(Struct, frozen=True):
    """Answer of GET /transfers?client_ref=."""

    transfers: list[Transfer]


class Notice(Struct, frozen=True):
    """Body of a webhook."""

    event: Name
    transfer: Transfer


ENCODER = msgspec.json.Encoder()
TRANSFER = msgspec.json.Decoder(Transfer)
FAILURE = msgspec.json.Decoder(Failure)
BULK_RESULT = msgspec.json.Decoder(BulkResult)
LISTING = msgspec.json.Decoder(Listing)
NOTICE = msgspec.json.Decoder(Notice)
FLOAT = msgspec.json.Decoder(dict[str, Cents])
