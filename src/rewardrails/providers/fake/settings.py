"""What can be set for a fake provider: where it is and which promises its profile makes."""

from datetime import timedelta

import msgspec

from rewardrails.domain.statement import Statements
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

DEFAULT_CALL_TIMEOUT_SECONDS = 10.0
DEFAULT_MAX_IN_FLIGHT = 200
HEX_AND_DASH = "0123456789abcdef-"
MAX_KEY_LENGTH = 200


class FakeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adapter settings; durations in seconds. The defaults fit the process's default profile."""

    base_url: str
    dedupe: Dedupe = Dedupe.REPLAY
    dedupe_scope: DedupeScope = DedupeScope.REQUEST
    dedupe_window_seconds: float | None = None
    dedupe_replays_errors: bool = False
    lookup: Lookup = Lookup.OUR_REFERENCE
    lookup_is_authoritative: bool = True
    lookup_lag_seconds: float = 0.0
    reversal_horizon_seconds: float = 0.0
    first_sync_after_seconds: float = 30.0
    quote_ttl_seconds: float = 900.0
    needs_legal_approval: bool = False


def capabilities_of(context: ProviderContext, settings: FakeSettings) -> Capabilities:
    """The promises as figures; a fake takes any type the configuration gives it, so that all six can be tried."""
    window = settings.dedupe_window_seconds
    return Capabilities(
        provider_type=context.provider_type or ProviderType.FIAT_PROVIDER,
        dedupe=settings.dedupe,
        dedupe_scope=settings.dedupe_scope,
        dedupe_window=None if window is None else timedelta(seconds=window),
        dedupe_replays_errors=settings.dedupe_replays_errors,
        key_format=KeyFormat(max_length=MAX_KEY_LENGTH, alphabet=HEX_AND_DASH),
        lookup=settings.lookup,
        lookup_is_authoritative=settings.lookup_is_authoritative and settings.lookup is Lookup.OUR_REFERENCE,
        lookup_lag=timedelta(seconds=settings.lookup_lag_seconds),
        webhooks=WebhookTrust.SIGNED_FULL,
        statements=Statements.LIST,
        cancel_from=frozenset({"pending"}),
        reversal_horizon=timedelta(seconds=settings.reversal_horizon_seconds),
        assets={code: AssetLimits(exponent=exponent) for code, exponent in context.assets.items()},
        destination_kinds=context.destination_kinds,
        fees=context.fees,
        max_in_flight=context.max_in_flight or DEFAULT_MAX_IN_FLIGHT,
        call_timeout=timedelta(seconds=context.call_timeout_seconds or DEFAULT_CALL_TIMEOUT_SECONDS),
        first_sync_after=timedelta(seconds=settings.first_sync_after_seconds),
        environments=frozenset({ProviderEnvironment.SANDBOX}),
        needs_legal_approval=settings.needs_legal_approval,
    )
