"""What can be set for an account at an exchange, and what its rail promises."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from rewardrails.domain.statement import Statements
from rewardrails.errors import ConfigInvalid
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
from rewardrails.providers.exchange.figures import EXCHANGES
from rewardrails.providers.exchange.row import Exchange
from rewardrails.providers.settings import base_url, credential
from rewardrails.secrets import Secret

DEFAULT_CALL_TIMEOUT_SECONDS = 30.0
DEFAULT_MAX_IN_FLIGHT = 1
HEX_AND_DASH = "0123456789abcdef-"
# The longest key of ours: 32 hex digits, a dash, six digits. All of it goes into the name that the exchange sees.
MAX_KEY_LENGTH = 39
# No exchange says how soon its list shows a withdrawal.
LIST_MAY_LAG = timedelta(minutes=10)


class ExchangeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adapter settings: which exchange, and over which of its chains each asset leaves, by the exchange's own name of it.

    `coins` names an asset as the exchange does, where that differs. Destinations of the kinds in `needs_memo` are refused
    without one: a deposit at another exchange is lost otherwise.
    """

    exchange: str
    networks: dict[str, str]
    coins: dict[str, str] = {}
    needs_memo: tuple[str, ...] = ()
    base_url: str = ""
    first_sync_after_seconds: float = 60.0
    terms_seconds: float = 60.0
    quote_ttl_seconds: float = 300.0


def row_of(context: ProviderContext, settings: ExchangeSettings) -> Exchange:
    """The certified exchange that is meant; raises `ConfigInvalid`."""
    row = EXCHANGES.get(settings.exchange)
    where = f"providers.{context.name}.settings"
    if row is None:
        raise ConfigInvalid(
            f"provider {context.name!r}: {settings.exchange!r} is not an exchange that was tried; "
            f"there are {', '.join(EXCHANGES)}",
            field=f"{where}.exchange",
        )
    unknown = sorted({*settings.networks, *settings.coins} - set(context.assets))
    if unknown or not settings.networks or not all([*settings.networks.values(), *settings.coins.values()]):
        raise ConfigInvalid(
            f"provider {context.name!r} needs networks: for each asset that it pays, the chain as {row.title} calls it"
            + (f"; no asset is called {', '.join(unknown)}" if unknown else ""),
            field=f"{where}.networks",
        )
    if strange := sorted(set(settings.needs_memo) - context.destination_kinds):
        raise ConfigInvalid(
            f"provider {context.name!r}: no kind of destination routed to it is called {', '.join(strange)}",
            field=f"{where}.needs_memo",
        )
    return row


def address_of(context: ProviderContext, settings: ExchangeSettings, row: Exchange) -> str:
    """Where it is reached; raises `ConfigInvalid` for a sandbox that the exchange does not have."""
    is_live = context.environment is ProviderEnvironment.LIVE
    known = row.address if is_live else row.sandbox
    if not settings.base_url and not known:
        raise ConfigInvalid(
            f"provider {context.name!r}: {row.title} has no sandbox in which withdrawals can be tried; "
            'set environment = "live", or base_url for a double of your own',
            field=f"providers.{context.name}.environment",
        )
    return base_url(context, settings.base_url or known)


def keys_of(context: ProviderContext, row: Exchange) -> Mapping[str, Secret]:
    """The credentials by ccxt's names; raises `ConfigInvalid`."""
    names = {"apiKey": "api_key", "secret": "api_secret"} | (
        {"password": "api_passphrase"} if row.wants_passphrase else {}
    )
    return {theirs: credential(context, ours) for theirs, ours in names.items()}


def capabilities_of(context: ProviderContext, settings: ExchangeSettings, row: Exchange) -> Capabilities:
    """The rail's promises as figures. No exchange documents that a name seen before is refused, so none is said to."""
    assets = {code: AssetLimits(exponent=context.assets[code]) for code in settings.networks}
    return Capabilities(
        provider_type=ProviderType.CRYPTO_EXCHANGE,
        dedupe=Dedupe.NONE,
        key_format=KeyFormat(max_length=MAX_KEY_LENGTH, alphabet=HEX_AND_DASH),
        lookup=Lookup.OUR_REFERENCE if row.history.by_client_id else Lookup.PROVIDER_REFERENCE,
        lookup_lag=LIST_MAY_LAG,
        statements=Statements.LIST,
        assets=assets,
        destination_kinds=context.destination_kinds,
        fees=context.fees,
        rate_per_second=row.rate_per_second,
        max_in_flight=context.max_in_flight or DEFAULT_MAX_IN_FLIGHT,
        call_timeout=timedelta(seconds=context.call_timeout_seconds or DEFAULT_CALL_TIMEOUT_SECONDS),
        first_sync_after=timedelta(seconds=settings.first_sync_after_seconds),
        environments=frozenset(ProviderEnvironment),
        needs_legal_approval=True,
        sources={
            "dedupe": row.sources["withdraw"],
            "lookup": row.sources["history"],
            "fees": row.sources["coins"],
            "rate_per_second": row.sources["rate"],
        },
    )
