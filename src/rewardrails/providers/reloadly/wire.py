"""Reloadly's JSON, as far as the adapter needs it; numbers are read and written as exact decimals.

Source: https://docs.reloadly.com/gift-cards
"""

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

_PLAIN = r"^[^\x00-\x1f\x7f]*\Z"
Text = Annotated[str, Meta(max_length=500, pattern=_PLAIN)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_PLAIN)]
Id = Annotated[int, Meta(ge=1, le=10**18)]
Part = Annotated[str, Meta(max_length=2000, pattern=_PLAIN)]


class Token(Struct, frozen=True):
    """Answer of POST /oauth/token."""

    access_token: Annotated[str, Meta(min_length=1, max_length=8000, pattern=r"^[\x21-\x7e]+\Z")]
    expires_in: Annotated[int, Meta(ge=0, le=10**9)]


class NewOrder(Struct, frozen=True, rename="camel"):
    """Body of POST /orders: one card. Without a recipient Reloadly sends the code to nobody else."""

    product_id: int
    quantity: int
    unit_price: Decimal
    sender_name: str
    custom_identifier: str


class Sold(Struct, frozen=True, rename="camel"):
    """What an order bought, in the currency that is on the card."""

    product_id: Id
    quantity: int
    unit_price: Decimal
    currency_code: Name


class Transaction(Struct, frozen=True, rename="camel"):
    """Answer of POST /orders, and an entry of the report; `fee` is in the account's `currency_code`."""

    transaction_id: Id
    status: Name
    currency_code: Name
    fee: Decimal
    product: Sold
    custom_identifier: Text | None = None
    transaction_created_time: Text = ""


class Report(Struct, frozen=True):
    """Answer of GET /reports/transactions; `number` counts pages from 0."""

    content: Annotated[list[Transaction], Meta(max_length=500)]
    number: Annotated[int, Meta(ge=0)]
    last: bool


class Card(Struct, frozen=True, rename="camel"):
    """An entry of GET /orders/transactions/{id}/cards: worth its money to whoever reads it."""

    card_number: Part | None = None
    pin_code: Part | None = None
    redemption_url: Part | None = None

    def __repr__(self) -> str:
        return "Card('********')"


class Product(Struct, frozen=True, rename="camel"):
    """Answer of GET /products/{id}: what a card may be worth, in the currency that is on it."""

    product_id: Id
    denomination_type: Name
    recipient_currency_code: Name
    min_recipient_denomination: Decimal | None = None
    max_recipient_denomination: Decimal | None = None
    fixed_recipient_denominations: Annotated[list[Decimal], Meta(max_length=1000)] | None = None
    status: Text = "ACTIVE"


class Balance(Struct, frozen=True, rename="camel"):
    """Answer of GET /accounts/balance."""

    balance: Decimal
    currency_code: Name


class Problem(Struct, frozen=True, rename="camel"):
    """Every error answer."""

    error_code: Name
    message: Text = ""


ENCODER = msgspec.json.Encoder(decimal_format="number")
TOKEN = msgspec.json.Decoder(Token)
TRANSACTION = msgspec.json.Decoder(Transaction)
REPORT = msgspec.json.Decoder(Report)
CARDS = msgspec.json.Decoder(list[Card])
PRODUCT = msgspec.json.Decoder(Product)
BALANCE = msgspec.json.Decoder(Balance)
PROBLEM = msgspec.json.Decoder(Problem)
