"""Stripe's v2 JSON, as far as the adapter needs it; amounts are whole numbers of the smallest unit, rates are text.

Source: https://docs.stripe.com/api/v2/money-management/payout-intents
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

_PLAIN = r"^[^\x00-\x1f\x7f]*\Z"
Text = Annotated[str, Meta(max_length=500, pattern=_PLAIN)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_PLAIN)]
Time = Annotated[datetime, Meta(tz=True)]


class Amount(Struct, frozen=True):
    """So many smallest units of a currency, which Stripe writes in lower case."""

    value: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    currency: Name


class NewSource(Struct, frozen=True):
    """Which financial account pays, and out of which of its balances."""

    financial_account: str
    currency: str


class NewTarget(Struct, frozen=True, omit_defaults=True):
    """Who gets it, in which currency; without a payout method it is the recipient's default one."""

    recipient: str
    currency: str
    payout_method: str | None = None


class NewIntent(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Body of POST /v2/money_management/payout_intents."""

    amount: Amount
    source: NewSource = msgspec.field(name="from")
    to: NewTarget
    metadata: dict[str, str]
    confirmation_method: str
    statement_descriptor: str | None = None


class Nothing(Struct, frozen=True):
    """The empty body of confirm and cancel."""


class Tax(Struct, frozen=True):
    """What is charged on top of a fee, as a decimal of whole units."""

    currency: Name
    value_decimal: Name


class Fee(Struct, frozen=True):
    """One of the estimated fees."""

    amount: Amount
    tax_amount: Tax | None = None


class Rate(Struct, frozen=True):
    """A rate from one currency to the quote's `to_currency`, an exact decimal as text."""

    exchange_rate: Name


class FxQuote(Struct, frozen=True):
    """The rate of a payout in another currency, and until when it is locked."""

    to_currency: Name
    rates: dict[str, Rate] = {}
    lock_status: Text = ""
    lock_expires_at: Time | None = None


class LatestPayout(Struct, frozen=True):
    """What a confirmed intent has made."""

    type: Name
    outbound_payment: Name | None = None


class Failure(Struct, frozen=True):
    """Why an intent waits for somebody."""

    failure_reason: Text = ""


class NextAction(Struct, frozen=True):
    """What an intent waits for."""

    type: Name
    handle_failure: Failure | None = None


class Target(Struct, frozen=True):
    """Who gets it, in an answer."""

    recipient: Text | None = None
    payout_method: Text | None = None


class Verification(Struct, frozen=True):
    """What the recipient's bank says of the name on the account."""

    match_result: Text = ""


class Intent(Struct, frozen=True):
    """A payout intent in an answer."""

    id: Name
    status: Name
    amount: Amount
    to: Target
    livemode: bool
    metadata: dict[str, str] | None = None
    estimated_fees: Annotated[list[Fee], Meta(max_length=100)] | None = None
    fx_quote: FxQuote | None = None
    latest_payout: LatestPayout | None = None
    next_action: NextAction | None = None
    recipient_verification: Verification | None = None


class Intents(Struct, frozen=True):
    """One page of the list."""

    data: Annotated[list[Intent], Meta(max_length=1_000)]
    next_page_url: Annotated[str, Meta(max_length=4_000)] | None = None


class Reason(Struct, frozen=True):
    """Why a payment failed or came back."""

    reason: Text = ""


class StatusDetails(Struct, frozen=True):
    """The reason, under the status it belongs to."""

    failed: Reason | None = None
    returned: Reason | None = None


class Payment(Struct, frozen=True):
    """An outbound payment: where the money is that an intent has sent."""

    id: Name
    status: Name
    amount: Amount
    payout_intent: Text | None = None
    status_details: StatusDetails | None = None


class Payer(Struct, frozen=True):
    """Which financial account paid."""

    financial_account: Text = ""


class ListedPayment(Struct, frozen=True):
    """An outbound payment as the list tells it, whoever made it."""

    id: Name
    status: Name
    amount: Amount
    created: Time
    source: Payer = msgspec.field(name="from")
    payout_intent: Text | None = None
    metadata: dict[str, str] | None = None


class Payments(Struct, frozen=True):
    """One page of the list of outbound payments."""

    data: Annotated[list[ListedPayment], Meta(max_length=1_000)]
    next_page_url: Annotated[str, Meta(max_length=4_000)] | None = None


class Endpoint(Struct, frozen=True):
    """Where an event destination's events go."""

    url: Text | None = None


class EventDestination(Struct, frozen=True):
    """What is sent where."""

    enabled_events: list[Text]
    event_payload: Text
    status: Text
    webhook_endpoint: Endpoint | None = None


class EventDestinations(Struct, frozen=True):
    """One page of the list of event destinations."""

    data: Annotated[list[EventDestination], Meta(max_length=1_000)]


class Balance(Struct, frozen=True):
    """What a financial account holds, by currency."""

    available: dict[str, Amount]


class Account(Struct, frozen=True):
    """A financial account."""

    id: Name
    status: Name
    balance: Balance
    livemode: bool


class Fault(Struct, frozen=True):
    """What is wrong; `type` is the stable name in v2."""

    type: Text = ""
    code: Text = ""


class ErrorReply(Struct, frozen=True):
    """An error answer."""

    error: Fault


class Related(Struct, frozen=True):
    """What an event is about."""

    id: Name
    type: Name


class Event(Struct, frozen=True):
    """A thin event: it names its subject and tells nothing of it."""

    id: Name
    type: Name
    created: Time
    livemode: bool
    related_object: Related | None = None


ENCODER = msgspec.json.Encoder()
INTENT = msgspec.json.Decoder(Intent)
INTENTS = msgspec.json.Decoder(Intents)
PAYMENTS = msgspec.json.Decoder(Payments)
EVENT_DESTINATIONS = msgspec.json.Decoder(EventDestinations)
PAYMENT = msgspec.json.Decoder(Payment)
ACCOUNT = msgspec.json.Decoder(Account)
ERROR = msgspec.json.Decoder(ErrorReply)
EVENT = msgspec.json.Decoder(Event)
