"""Payouts made by hand; see `docs/providers/manual.md`.

It has no store and no wire: `create_payout` puts the attempt into the queue by accepting it, and whatever happens then
is an observation by a person. It cannot cancel: somebody may already have the item in hand, so taking one back is a
person's word too (a refusal with a reason), never an assumption.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from rewardrails import clock
from rewardrails.domain.iban import canonical_iban
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Found, Observation, ObservedStatus
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import Accepted
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.domain.statement import StatementFile, Statements
from rewardrails.errors import ConfigInvalid, FileInvalid, RewardRailsError
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import (
    AssetLimits,
    Capabilities,
    Dedupe,
    KeyFormat,
    Lookup,
    ProviderEnvironment,
    ProviderType,
)
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.manual.camt053 import read_camt053
from rewardrails.providers.manual.csv_statement import CsvColumns, read_csv_statement
from rewardrails.providers.manual.pain001 import MAX_REMITTANCE, Debtor, pain001, transfer_of
from rewardrails.providers.manual.sepa_text import sepa_text
from rewardrails.providers.manual.xml_safely import is_xml
from rewardrails.providers.settings import read_settings

MAX_OPEN_ITEMS = 1_000
# Polling people is pointless; the console shows how long an item has waited.
NO_POLLING = timedelta(days=365)
HEX_AND_DASH = "0123456789abcdef-"


class ManualSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a quote holds, in seconds; whose account pays, and how that bank's statements are written.

    `account` is the IBAN whose statements are read; without one that of `bank_file` is, and without both any.
    """

    quote_ttl_seconds: int = 86_400
    account: str = ""
    csv: CsvColumns | None = None
    bank_file: Debtor | None = None


class ManualProvider:
    """A queue for people."""

    def __init__(self, context: ProviderContext) -> None:
        self.name = context.name
        self._settings = settings = read_settings(context, ManualSettings)
        self._account = settings.account or (settings.bank_file.iban if settings.bank_file else "")
        self._exponents = dict(context.assets)
        _refuse_unusable(context, settings, self._account)
        self.capabilities = Capabilities(
            provider_type=ProviderType.MANUAL,
            dedupe=Dedupe.REPLAY,
            key_format=KeyFormat(max_length=64, alphabet=HEX_AND_DASH),
            lookup=Lookup.OUR_REFERENCE,
            statements=Statements.FILE,
            assets={code: AssetLimits(exponent=exponent) for code, exponent in context.assets.items()},
            destination_kinds=context.destination_kinds,
            max_in_flight=context.max_in_flight or MAX_OPEN_ITEMS,
            first_sync_after=NO_POLLING,
            environments=frozenset(ProviderEnvironment),
        )

    async def quote(self, request: QuoteRequest) -> Quote:
        """Handing something over by hand charges nothing on top."""
        return Quote(
            amount=request.amount,
            fee=Money(amount_minor=0, asset=request.amount.asset),
            expires_at=clock.now() + timedelta(seconds=self._settings.quote_ttl_seconds),
        )

    async def create_payout(self, order: Order) -> Accepted:
        """Into the queue, under our own key; the same order again is the same item."""
        return Accepted(provider_reference=order.rail_key)

    async def sync(self, reference: Reference) -> Found:
        """In the queue: the stored attempt is the item, so a crash between storing and accepting it loses nothing."""
        return Found(
            observation=Observation(
                status=ObservedStatus.PENDING,
                rail_key=reference.ref.rail_key,
                provider_reference=reference.ref.rail_key,
                amount=reference.amount,
            )
        )

    def read_statement(self, data: bytes) -> StatementFile:
        """A bank's statement: camt.053, or CSV with the columns of the settings. Raises `FileInvalid`."""
        if is_xml(data):
            return read_camt053(data, self._exponents, account=self._account)
        if self._settings.csv is None:
            raise FileInvalid(
                f"the file is not XML, and nobody has said what the columns of a CSV are: providers.{self.name}.settings.csv"
            )
        return read_csv_statement(data, self._settings.csv, self._exponents)

    def check_bank_line(self, order: Order) -> None:
        """Raise `RewardRailsError` where a bank would not take the order, with the code that says why."""
        transfer_of(order, exponent=self._exponents.get(order.amount.asset, -1))

    def bank_file(self, orders: Sequence[Order], *, message_id: str, created: datetime) -> bytes:
        """The orders as one pain.001 file. Raises `ConfigInvalid` when nobody has said whose account pays."""
        if self._settings.bank_file is None:
            raise ConfigInvalid(
                f"provider {self.name!r}: say whose account pays, name and iban",
                field=f"providers.{self.name}.settings.bank_file",
            )
        transfers = [transfer_of(order, exponent=self._exponents[order.amount.asset]) for order in orders]
        return pain001(transfers, self._settings.bank_file, message_id=message_id, created=created)

    async def close(self) -> None:
        """Nothing is open."""


def _refuse_unusable(context: ProviderContext, settings: ManualSettings, account: str) -> None:
    """Raise `ConfigInvalid` for an account or a name that no bank would take; better at the start than in the file."""
    here = f"providers.{context.name}.settings"
    try:
        if account:
            canonical_iban(account)
        if settings.bank_file is not None:
            canonical_iban(settings.bank_file.iban)
            sepa_text(settings.bank_file.name)
            if settings.bank_file.remittance:
                sepa_text(settings.bank_file.remittance, longest=MAX_REMITTANCE)
    except RewardRailsError as error:
        raise ConfigInvalid(f"provider {context.name!r}: {error.message}", field=here) from error
    if settings.csv is not None and bool(settings.csv.currency) is bool(settings.csv.asset):
        raise ConfigInvalid(
            f"provider {context.name!r}: name the column of the currency or, where there is none, the asset",
            field=f"{here}.csv",
        )
    if settings.csv is not None and (len(settings.csv.delimiter) != 1 or settings.csv.decimal not in {".", ","}):
        raise ConfigInvalid(
            f"provider {context.name!r}: delimiter is one character, decimal is '.' or ','", field=f"{here}.csv"
        )
