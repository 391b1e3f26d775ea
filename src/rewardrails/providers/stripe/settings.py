"""What can be set for a Stripe financial account, and what its rail promises."""

from datetime import timedelta

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
from rewardrails.providers.stripe.currencies import can_be_counted, least_of

ADDRESS = "https://api.stripe.com"
API_VERSION = "2026-10-28.endive"
INTENTS_REFERENCE = "https://docs.stripe.com/api/v2/money-management/payout-intents"
PAYMENTS_REFERENCE = "https://docs.stripe.com/api/v2/money-management/outbound-payments"
IDEMPOTENCY_REFERENCE = "https://docs.stripe.com/api/idempotent_requests"
WEBHOOKS_GUIDE = "https://docs.stripe.com/webhooks"
DEFAULT_CALL_TIMEOUT_SECONDS = 30.0
DEFAULT_MAX_IN_FLIGHT = 5
HEX_AND_DASH = "0123456789abcdef-"
MAX_KEY_LENGTH = 39
# "At least 24 hours"; longer is said elsewhere, and not relied on.
KEYS_LAST = timedelta(hours=24)
# Stripe states no end; banks send money back for weeks.
RETURNS_WITHIN = timedelta(days=45)


class StripeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adapter settings: which financial account pays, and out of which of its balances."""

    financial_account: str
    source_currency: str
    statement_descriptor: str = ""
    base_url: str = ""
    first_sync_after_seconds: float = 300.0
    lookup_lag_seconds: float = 10.0


def capabilities_of(context: ProviderContext, settings: StripeSettings) -> Capabilities:
    """The rail's promises as figures, each with its source where the vendor states it."""
    assets = {
        code: AssetLimits(exponent=exponent, min_minor=least_of(code, exponent))
        for code, exponent in context.assets.items()
        if can_be_counted(code, exponent)
    }
    return Capabilities(
        provider_type=ProviderType.FIAT_PROVIDER,
        dedupe=Dedupe.REPLAY,
        dedupe_window=KEYS_LAST,
        # A refused confirmation cancels its intent: the key can pay nothing any more.
        dedupe_replays_errors=True,
        key_format=KeyFormat(max_length=MAX_KEY_LENGTH, alphabet=HEX_AND_DASH),
        lookup=Lookup.OUR_REFERENCE,
        lookup_is_authoritative=True,
        lookup_lag=timedelta(seconds=settings.lookup_lag_seconds),
        webhooks=WebhookTrust.SIGNED_THIN,
        cancel_from=frozenset({"pending"}),
        reversal_horizon=RETURNS_WITHIN,
        assets=assets,
        destination_kinds=context.destination_kinds,
        fees=context.fees,
        statements=Statements.LIST,
        max_in_flight=context.max_in_flight or DEFAULT_MAX_IN_FLIGHT,
        call_timeout=timedelta(seconds=context.call_timeout_seconds or DEFAULT_CALL_TIMEOUT_SECONDS),
        first_sync_after=timedelta(seconds=settings.first_sync_after_seconds),
        environments=frozenset(ProviderEnvironment),
        sources={
            "dedupe": IDEMPOTENCY_REFERENCE,
            "dedupe_window": IDEMPOTENCY_REFERENCE,
            "lookup": INTENTS_REFERENCE,
            "cancel_from": INTENTS_REFERENCE,
            "webhooks": WEBHOOKS_GUIDE,
            "reversal_horizon": PAYMENTS_REFERENCE,
        },
    )
