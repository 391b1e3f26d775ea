"""What can be set for a Reloadly account, and what its rail promises."""

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

ADDRESSES = {
    ProviderEnvironment.SANDBOX: "https://giftcards-sandbox.reloadly.com",
    ProviderEnvironment.LIVE: "https://giftcards.reloadly.com",
}
TOKEN_ADDRESS = "https://auth.reloadly.com"  # noqa: S105 - an address
ORDERS_REFERENCE = "https://docs.reloadly.com/gift-cards"
DEFAULT_CALL_TIMEOUT_SECONDS = 60.0
DEFAULT_MAX_IN_FLIGHT = 5
HEX_AND_DASH = "0123456789abcdef-"
MAX_KEY_LENGTH = 150


class ReloadlySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adapter settings: in whose name cards are given, and which products may be bought (none named: all)."""

    sender_name: str
    products: tuple[int, ...] = ()
    base_url: str = ""
    token_url: str = TOKEN_ADDRESS
    first_sync_after_seconds: float = 15.0
    absent_after_seconds: float = 300.0
    catalogue_seconds: float = 600.0
    quote_ttl_seconds: float = 900.0


def refuse_incomplete(context: ProviderContext, settings: ReloadlySettings) -> None:
    """Raise `ConfigInvalid` for a giver without a name, or a wait that is none."""
    if not settings.sender_name.strip() or not settings.sender_name.isprintable():
        raise ConfigInvalid(
            f"provider {context.name!r} needs sender_name: in whose name are the cards given?",
            field=f"providers.{context.name}.settings.sender_name",
        )
    if settings.absent_after_seconds < 0 or settings.first_sync_after_seconds <= 0:
        raise ConfigInvalid(
            f"provider {context.name!r}: absent_after_seconds and first_sync_after_seconds are times to wait",
            field=f"providers.{context.name}.settings.absent_after_seconds",
        )


def capabilities_of(context: ProviderContext, settings: ReloadlySettings) -> Capabilities:
    """The rail's promises as figures, each with its source where the vendor states it."""
    return Capabilities(
        provider_type=ProviderType.GIFT_CARD,
        dedupe=Dedupe.REJECT_BARE,
        key_format=KeyFormat(max_length=MAX_KEY_LENGTH, alphabet=HEX_AND_DASH),
        lookup=Lookup.OUR_REFERENCE,
        lookup_is_authoritative=True,
        lookup_lag=timedelta(seconds=settings.absent_after_seconds),
        statements=Statements.LIST,
        reversal_horizon=timedelta(days=7),
        hands_over_values=True,
        assets={code: AssetLimits(exponent=exponent) for code, exponent in context.assets.items()},
        destination_kinds=context.destination_kinds,
        fees=context.fees,
        max_in_flight=context.max_in_flight or DEFAULT_MAX_IN_FLIGHT,
        call_timeout=timedelta(seconds=context.call_timeout_seconds or DEFAULT_CALL_TIMEOUT_SECONDS),
        first_sync_after=timedelta(seconds=settings.first_sync_after_seconds),
        environments=frozenset(ProviderEnvironment),
        sources={"dedupe": ORDERS_REFERENCE, "lookup": ORDERS_REFERENCE},
    )
