"""The JSON of the fake provider's API, its webhooks and its control API."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=200)]
DecimalText = Annotated[str, Meta(pattern=r"^[0-9]{1,40}(\.[0-9]{1,18})?$", max_length=60)]
Asset = Annotated[str, Meta(min_length=1, max_length=16)]


class Destination(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the money goes; `value` is an account of `kind`, `memo` a tag some kinds need."""

    kind: Name
    value: Annotated[str, Meta(min_length=1, max_length=500)]
    memo: Annotated[str, Meta(max_length=200)] = ""


class CreatePayout(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /v1/payouts; `amount` is a decimal string in the asset's main unit."""

    reference: Name
    amount: DecimalText
    asset: Asset
    destination: Destination


class CreateBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /v1/batches; the Idempotency-Key covers the batch."""

    payouts: Annotated[list[CreatePayout], Meta(min_length=1, max_length=500)]


class Payout(Struct, frozen=True):
    """A payout as the API shows it. `status`: queued, processing, paid, failed, canceled, returned."""

    id: str
    reference: str
    status: str
    amount: str
    asset: str
    destination: Destination
    fee: str
    failure_code: str
    livemode: bool
    created_at: str


class PayoutList(Struct, frozen=True):
    """Answer of GET /v1/payouts?reference=, oldest first."""

    payouts: list[Payout]


class PayoutPage(Struct, frozen=True):
    """Answer of GET /v1/payouts?from=&to=; `next` is empty on the last page."""

    payouts: list[Payout]
    next: str


class Refusal(Struct, frozen=True):
    """An error's inside: a closed vocabulary `code` and words for people."""

    code: str
    message: str


class ErrorBody(Struct, frozen=True):
    """Every error answer."""

    error: Refusal


class BatchItem(Struct, frozen=True):
    """One answer inside a batch: a payout or an error."""

    payout: Payout | None = None
    error: Refusal | None = None


class Batch(Struct, frozen=True):
    """Answer of POST /v1/batches, in the order of the request."""

    items: list[BatchItem]


class Balances(Struct, frozen=True):
    """Answer of GET /v1/balance: decimal strings by asset."""

    balances: dict[str, str]


class Quote(Struct, frozen=True):
    """Answer of GET /v1/quote: decimal strings; `total` is amount plus fee."""

    amount: str
    fee: str
    total: str
    asset: str


class Event(Struct, frozen=True):
    """Body of a webhook; `type` is `payout.<status>`."""

    id: str
    type: str
    created_at: str
    livemode: bool
    data: Payout


class RuleRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Control: choose a behaviour for matching creations (shell globs), `times` times or for ever."""

    behaviour: Name
    code: str = ""
    reference: str = "*"
    destination: str = "*"
    times: Annotated[int, Meta(ge=1)] | None = None


class MixRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Control: replace the weighted mix."""

    mix: Name
    seed: int = 0
    by_destination: bool = False


class OutageRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Control: `off`, `unavailable` (503 before anything) or `hang` (never answers)."""

    mode: Name


class PausedRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Control: hold webhooks back, or let them go."""

    paused: bool


class FloatRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Control: set what the provider holds; None means without end."""

    asset: Asset
    amount: DecimalText | None


class MoveRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Control: make a payout's truth this, told by webhook or kept quiet."""

    reference: Name
    status: Name
    code: str = ""
    notify: bool = True


class DisguiseRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Control: answers and webhooks about this payout show these instead of the truth."""

    reference: Name
    amount: DecimalText | None = None
    destination: Name | None = None
    status: Name | None = None


class Totals(Struct, frozen=True):
    """The truth outside: what was accepted, by whom and how much left. Money in smallest units.

    `standing` leaves out what failed, was canceled or came back.
    """

    accepted: int
    requests: int
    pending_webhooks: int
    delivered_webhooks: int
    by_status: dict[str, int]
    accepted_by_payout: dict[str, int]
    standing_by_payout: dict[str, int]
    accepted_by_reference: dict[str, int]
    standing_by_destination: dict[str, int]
    paid_minor_by_asset: dict[str, int]
    standing_minor_by_asset: dict[str, int]


ENCODER = msgspec.json.Encoder()
CREATE_PAYOUT = msgspec.json.Decoder(CreatePayout)
CREATE_BATCH = msgspec.json.Decoder(CreateBatch)
