"""What can be set for a Tremendous account, and what its rail promises."""

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
    WebhookTrust,
)
from rewardrails.providers.context import ProviderContext

ADDRESSES = {
    ProviderEnvironment.SANDBOX: "https://testflight.tremendous.com/api/v2",
    ProviderEnvironment.LIVE: "https://www.tremendous.com/api/v2",
}
ORDERS_REFERENCE = "https://developers.tremendous.com/reference/core-orders-create"
WEBHOOKS_GUIDE = "https://developers.tremendous.com/docs/webhooks-1"
DEFAULT_CALL_TIMEOUT_SECONDS = 30.0
DEFAULT_MAX_IN_FLIGHT = 10
HEX_AND_DASH = "0123456789abcdef-"
MAX_KEY_LENGTH = 100


class TremendousSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adapter settings: who pays, and what the player may choose from (a campaign, or products, or both)."""

    funding_source_id: str
    campaign_id: str = ""
    products: tuple[str, ...] = ()
    base_url: str = ""
    first_sync_after_seconds: float = 60.0
    quote_ttl_seconds: float = 900.0


def refuse_incomplete(context: ProviderContext, settings: TremendousSettings) -> None:
    """Raise `ConfigInvalid` when the player could choose from nothing."""
    if not settings.campaign_id and not settings.products:
        raise ConfigInvalid(
            f"provider {context.name!r} needs campaign_id or products: what may the player choose from?",
            field=f"providers.{context.name}.settings.campaign_id",
        )


def capabilities_of(context: ProviderContext, settings: TremendousSettings) -> Capabilities:
    """The rail's promises as figures, each with its source where the vendor states it."""
    return Capabilities(
        provider_type=ProviderType.GIFT_CARD,
        dedupe=Dedupe.REPLAY,
        key_format=KeyFormat(max_length=MAX_KEY_LENGTH, alphabet=HEX_AND_DASH),
        lookup=Lookup.OUR_REFERENCE,
        lookup_is_authoritative=True,
        webhooks=WebhookTrust.SIGNED_THIN,
        statements=Statements.LIST,
        assets={code: AssetLimits(exponent=exponent) for code, exponent in context.assets.items()},
        destination_kinds=context.destination_kinds,
        fees=context.fees,
        max_in_flight=context.max_in_flight or DEFAULT_MAX_IN_FLIGHT,
        call_timeout=timedelta(seconds=context.call_timeout_seconds or DEFAULT_CALL_TIMEOUT_SECONDS),
        first_sync_after=timedelta(seconds=settings.first_sync_after_seconds),
        environments=frozenset(ProviderEnvironment),
        sources={"dedupe": ORDERS_REFERENCE, "lookup": ORDERS_REFERENCE, "webhooks": WEBHOOKS_GUIDE},
    )
