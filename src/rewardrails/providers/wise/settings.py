"""What can be set for a Wise profile, and what its rail promises."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

import msgspec

from rewardrails.domain.statement import Statements
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
from rewardrails.providers.wise.recipient import KNOWN_FORMS, Form, refuse_bad_forms

ADDRESSES = {
    ProviderEnvironment.SANDBOX: "https://api.wise-sandbox.com",
    ProviderEnvironment.LIVE: "https://api.wise.com",
}
TRANSFERS_REFERENCE = "https://docs.wise.com/api-reference/transfer"
CREATE_REFERENCE = "https://docs.wise.com/api-reference/transfer/transfercreate"
WEBHOOKS_GUIDE = "https://docs.wise.com/guides/developer/webhooks/event-handling"
TRACKING_GUIDE = "https://docs.wise.com/guides/product/send-money/tracking-transfers"
DEFAULT_CALL_TIMEOUT_SECONDS = 30.0
DEFAULT_MAX_IN_FLIGHT = 5
HEX_AND_DASH = "0123456789abcdef-"
# The longest key of ours: 32 hex digits, a dash, six digits. All of it goes into the UUID that Wise sees.
MAX_KEY_LENGTH = 39
# "Up to several weeks after a transfer is sent."
BOUNCES_WITHIN = timedelta(days=45)


class Funding(StrEnum):
    """Who pays for a transfer once it is made; where Wise demands a person's consent, only its app can."""

    API = "api"
    APP = "app"


class WiseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adapter settings: whose balance pays, in which currency, and what recipients consist of."""

    profile_id: int
    source_currency: str
    webhook_public_key: str
    funding: Funding = Funding.API
    recipients: dict[str, Form] = {}
    reference: str = ""
    base_url: str = ""
    first_sync_after_seconds: float = 300.0
    lookup_lag_seconds: float = 10.0


def forms_of(context: ProviderContext, settings: WiseSettings) -> Mapping[str, Form]:
    """What recipients consist of, by currency: the configured ones before those known here; raises `ConfigInvalid`."""
    refuse_bad_forms(settings.recipients, provider=context.name)
    return {**KNOWN_FORMS, **settings.recipients}


def capabilities_of(context: ProviderContext, settings: WiseSettings, forms: Mapping[str, Form]) -> Capabilities:
    """The rail's promises as figures, each with its source where the vendor states it."""
    assets = {code: AssetLimits(exponent=exponent) for code, exponent in context.assets.items() if code in forms}
    return Capabilities(
        provider_type=ProviderType.FIAT_PROVIDER,
        dedupe=Dedupe.REPLAY,
        key_format=KeyFormat(max_length=MAX_KEY_LENGTH, alphabet=HEX_AND_DASH),
        lookup=Lookup.OUR_REFERENCE,
        lookup_is_authoritative=True,
        lookup_lag=timedelta(seconds=settings.lookup_lag_seconds),
        webhooks=WebhookTrust.SIGNED_THIN,
        statements=Statements.LIST,
        cancel_from=frozenset({"pending"}),
        reversal_horizon=BOUNCES_WITHIN,
        assets=assets,
        destination_kinds=context.destination_kinds,
        fees=context.fees,
        max_in_flight=context.max_in_flight or DEFAULT_MAX_IN_FLIGHT,
        call_timeout=timedelta(seconds=context.call_timeout_seconds or DEFAULT_CALL_TIMEOUT_SECONDS),
        first_sync_after=timedelta(seconds=settings.first_sync_after_seconds),
        environments=frozenset(ProviderEnvironment),
        sources={
            "dedupe": CREATE_REFERENCE,
            "lookup": TRANSFERS_REFERENCE,
            "cancel_from": TRANSFERS_REFERENCE,
            "webhooks": WEBHOOKS_GUIDE,
            "reversal_horizon": TRACKING_GUIDE,
        },
    )
