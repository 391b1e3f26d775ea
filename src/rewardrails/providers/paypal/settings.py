"""What can be set for a PayPal account, and what its rail promises."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta

from rewardrails.domain.statement import Statements
from rewardrails.errors import ConfigInvalid
from rewardrails.providers.capabilities import (
    AssetLimits,
    Capabilities,
    Dedupe,
    DedupeScope,
    KeyFormat,
    Lookup,
    ProviderEnvironment,
    ProviderType,
    WebhookTrust,
)
from rewardrails.providers.context import ProviderContext

ADDRESSES = {
    ProviderEnvironment.SANDBOX: "https://api-m.sandbox.paypal.com",
    ProviderEnvironment.LIVE: "https://api-m.paypal.com",
}
CERTIFICATE_ORIGINS = {
    ProviderEnvironment.SANDBOX: "https://api.sandbox.paypal.com",
    ProviderEnvironment.LIVE: "https://api.paypal.com",
}
REFERENCE = "https://developer.paypal.com/docs/api/payments.payouts-batch/v1/"
OVERVIEW = "https://developer.paypal.com/api/payouts"
UNCLAIMED_GUIDE = "https://developer.paypal.com/payouts/use-payouts/handle-unclaimed-payouts"
WEBHOOKS_GUIDE = "https://developer.paypal.com/payouts/webhooks"
CURRENCIES_PAGE = "https://developer.paypal.com/api/rest/reference/currency-codes/"
DEFAULT_CALL_TIMEOUT_SECONDS = 30.0
DEFAULT_MAX_IN_FLIGHT = 10
# 400 creations a minute are let through; some room is left for whatever else uses the account.
CREATIONS_PER_SECOND = 6.0
HEX_AND_DASH = "0123456789abcdef-"
MAX_KEY_LENGTH = 63  # of `sender_item_id`; `sender_batch_id` may be longer
DEDUPE_WINDOW = timedelta(days=30)
UNCLAIMED = "unclaimed"
# Currencies of a PayPal balance with the decimals that its API takes, which are not always those of ISO 4217.
_IN_HUNDREDTHS = frozenset(
    {
        "AUD",
        "BRL",
        "CAD",
        "CHF",
        "CNY",
        "CZK",
        "DKK",
        "EUR",
        "GBP",
        "HKD",
        "ILS",
        "MXN",
        "MYR",
        "NOK",
        "NZD",
        "PHP",
        "PLN",
        "SEK",
        "SGD",
        "THB",
        "USD",
    }
)
_WHOLE = frozenset({"HUF", "JPY", "TWD"})
CURRENCIES: Mapping[str, int] = MappingProxyType(dict.fromkeys(_IN_HUNDREDTHS, 2) | dict.fromkeys(_WHOLE, 0))


class RecipientType(StrEnum):
    """What a destination is to PayPal."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    PAYPAL_ID = "PAYPAL_ID"


class PayPalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adapter settings; `certificates` maps addresses of webhook certificates to their PEM chains, known from the start."""

    webhook_id: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9-]+\Z")]
    recipient_type: RecipientType = RecipientType.EMAIL
    email_subject: Annotated[str, Meta(max_length=255)] = ""
    email_message: Annotated[str, Meta(max_length=1000)] = ""
    base_url: str = ""
    certificate_origin: str = ""
    certificates: dict[str, str] = {}
    trusted_roots: str = ""
    reversal_horizon_days: Annotated[int, Meta(ge=1, le=365)] = 30
    first_sync_after_seconds: float = 60.0
    quote_ttl_seconds: float = 900.0


def refuse_unsafe(context: ProviderContext, settings: PayPalSettings) -> None:
    """Raise `ConfigInvalid` when certificates of live notices would come from somewhere else than PayPal."""
    if settings.certificate_origin and context.environment is ProviderEnvironment.LIVE:
        raise ConfigInvalid(
            f"provider {context.name!r}: certificate_origin is for tests; remove it where real money is paid",
            field=f"providers.{context.name}.settings.certificate_origin",
        )


def capabilities_of(context: ProviderContext, settings: PayPalSettings) -> Capabilities:
    """The rail's promises as figures, each with its source where the vendor states it."""
    return Capabilities(
        provider_type=ProviderType.FIAT_PROVIDER,
        dedupe=Dedupe.REJECT_WITH_POINTER,
        dedupe_scope=DedupeScope.BATCH,
        dedupe_window=DEDUPE_WINDOW,
        key_format=KeyFormat(max_length=MAX_KEY_LENGTH, alphabet=HEX_AND_DASH),
        lookup=Lookup.PROVIDER_REFERENCE,
        webhooks=WebhookTrust.SIGNED_FULL,
        statements=Statements.LIST,
        cancel_from=frozenset({UNCLAIMED}),
        reversal_horizon=timedelta(days=settings.reversal_horizon_days),
        assets={
            code: AssetLimits(exponent=exponent)
            for code, exponent in context.assets.items()
            if CURRENCIES.get(code) == exponent
        },
        destination_kinds=context.destination_kinds,
        fees=context.fees,
        rate_per_second=CREATIONS_PER_SECOND,
        max_in_flight=context.max_in_flight or DEFAULT_MAX_IN_FLIGHT,
        call_timeout=timedelta(seconds=context.call_timeout_seconds or DEFAULT_CALL_TIMEOUT_SECONDS),
        first_sync_after=timedelta(seconds=settings.first_sync_after_seconds),
        environments=frozenset(ProviderEnvironment),
        sources={
            "assets": CURRENCIES_PAGE,
            "cancel_from": UNCLAIMED_GUIDE,
            "dedupe": REFERENCE,
            "dedupe_window": REFERENCE,
            "key_format": REFERENCE,
            "lookup": REFERENCE,
            "rate_per_second": OVERVIEW,
            "webhooks": WEBHOOKS_GUIDE,
        },
    )
