"""Providers over the wire: what they can, whether they may, how they are."""

from datetime import datetime

from rewardrails.api.schemas.common import Out
from rewardrails.providers.capabilities import (
    Capabilities,
    Dedupe,
    Lookup,
    ProviderEnvironment,
    ProviderType,
    WebhookTrust,
)


class CapabilitiesOut(Out):
    """What the rail can do; null windows mean for ever, empty lists that no limit is stated."""

    dedupe: Dedupe
    dedupe_window_seconds: float | None
    lookup: Lookup
    lookup_is_authoritative: bool
    webhooks: WebhookTrust
    batch_limit: int
    can_cancel: bool
    assets: list[str]
    jurisdictions: list[str]
    destination_kinds: list[str]
    max_in_flight: int
    rate_per_second: float | None
    call_timeout_seconds: float
    reversal_horizon_seconds: float
    needs_legal_approval: bool

    @classmethod
    def of(cls, can: Capabilities) -> "CapabilitiesOut":
        """Capabilities as they go out."""
        return cls(
            dedupe=can.dedupe,
            dedupe_window_seconds=can.dedupe_window.total_seconds() if can.dedupe_window else None,
            lookup=can.lookup,
            lookup_is_authoritative=can.lookup_is_authoritative,
            webhooks=can.webhooks,
            batch_limit=can.batch_limit,
            can_cancel=bool(can.cancel_from),
            assets=sorted(can.assets),
            jurisdictions=sorted(can.jurisdictions),
            destination_kinds=sorted(can.destination_kinds),
            max_in_flight=can.max_in_flight,
            rate_per_second=can.rate_per_second,
            call_timeout_seconds=can.call_timeout.total_seconds(),
            reversal_horizon_seconds=can.reversal_horizon.total_seconds(),
            needs_legal_approval=can.needs_legal_approval,
        )


class HealthOut(Out):
    """How the provider has answered lately; while `broken` nothing is sent to it."""

    broken: bool
    closed_until: datetime | None
    failures: int
    last_code: str | None
    last_ok_at: datetime | None
    last_fail_at: datetime | None


class WaitingOut(Out):
    """How many payouts wait to be sent, are being sent, and are under way."""

    ready: int
    sending: int
    under_way: int


class ProviderOut(Out):
    """One configured provider; `why_disabled` says what switches it on, `capabilities` is null without complete settings."""

    name: str
    type: ProviderType
    adapter: str
    environment: ProviderEnvironment
    enabled: bool
    why_disabled: str | None
    capabilities: CapabilitiesOut | None
    health: HealthOut
    waiting: WaitingOut


class ProviderList(Out):
    """Every configured provider, by name."""

    providers: list[ProviderOut]
