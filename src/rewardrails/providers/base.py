"""The one interface behind which every rail sits: a tiny core, and small optional protocols.

Implementing a protocol *is* declaring the capability. No method raises for a business outcome, touches a database, or
keeps state that must survive a crash.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, SyncResult
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import CancelOutcome, CreateOutcome
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.domain.statement import StatementFile, StatementItem, Window
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.providers.capabilities import Capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An attempt by both its names; `provider_reference` is empty until the provider has answered."""

    ref: AttemptRef
    provider_reference: str = ""
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Opaque bytes that are committed before `create_payout` sees them, and when the rail lets them lapse."""

    opaque: bytes = field(repr=False)
    expires_at: datetime | None = None


class RewardPayoutProvider(Protocol):
    """A configured rail."""

    @property
    def name(self) -> str: ...
    @property
    def capabilities(self) -> Capabilities: ...
    async def quote(self, request: QuoteRequest) -> Quote: ...
    async def create_payout(self, order: Order) -> CreateOutcome: ...
    async def sync(self, reference: Reference) -> SyncResult: ...
    async def close(self) -> None: ...


@runtime_checkable
class SupportsCancel(Protocol):
    """The rail can be asked to stop a payout."""

    async def cancel(self, reference: Reference) -> CancelOutcome: ...


@runtime_checkable
class SupportsWebhooks(Protocol):
    """The rail notifies us; pure given bytes, headers, secrets and now. Raises `WebhookRefused` for what it disbelieves."""

    def receive(self, request: WebhookRequest) -> tuple[Observation, ...]: ...


@runtime_checkable
class SupportsNoticeKeys(Protocol):
    """Notices are signed with published keys: what a notice needs is fetched, if it may be, before `receive` reads it."""

    async def fetch_keys(self, request: WebhookRequest) -> None: ...


@runtime_checkable
class SupportsPrepare(Protocol):
    """The rail must remember something before it sends: it hands it over, and the engine commits it first."""

    async def prepare(self, orders: Sequence[Order]) -> Sequence[Prepared]: ...


@runtime_checkable
class SupportsBatch(Protocol):
    """The rail takes many orders under one submission."""

    async def create_payouts(self, orders: Sequence[Order]) -> Sequence[CreateOutcome]: ...


@runtime_checkable
class SupportsBalance(Protocol):
    """The rail can say how much it holds for us."""

    async def balance(self) -> Sequence[Money]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One thing about our account at a provider: what was found, and what to do where it is not right."""

    about: str
    is_right: bool
    found: str
    do: str = ""


@runtime_checkable
class SupportsCheck(Protocol):
    """The rail can be asked whether our account is set up to pay. It moves nothing, and never raises for what is wrong."""

    async def check(self) -> Sequence[Checked]: ...


@runtime_checkable
class SupportsStatement(Protocol):
    """The rail can list what was paid from our account, whoever asked for it. Reading it moves nothing."""

    def statement(self, window: Window) -> AsyncIterator[Sequence[StatementItem]]:
        """Pages of everything that was paid, or tried, within the window, in any order; an item may come twice.

        A page may hold what lies outside. Raises `RewardRailsError` when the list cannot be had whole.
        """


@runtime_checkable
class NamesOnStatement(Protocol):
    """The rail's list knows our attempts by names that only the rail can tell."""

    async def statement_names(self, references: Sequence[Reference]) -> Sequence[str]:
        """What the list calls each of these attempts as an item's `reference`; an empty text where it cannot be told.

        Asked for attempts that no item is known by otherwise. Raises `RewardRailsError`.
        """


@runtime_checkable
class SupportsStatementFile(Protocol):
    """What was paid is told by a file that a person brings."""

    def read_statement(self, data: bytes) -> StatementFile:
        """Everything in the file; pure. Raises `RewardRailsError` naming what cannot be read."""


@runtime_checkable
class SupportsBankFile(Protocol):
    """What waits can be written as a file that a bank takes; writing it pays nothing."""

    def check_bank_line(self, order: Order) -> None:
        """Raise `RewardRailsError` where a bank would not take the order, with the code that says why."""

    def bank_file(self, orders: Sequence[Order], *, message_id: str, created: datetime) -> bytes:
        """The orders, each of which a bank takes, as one file named `message_id` (at most 35 letters).

        Raises `ConfigInvalid` when nobody has said whose account pays.
        """
