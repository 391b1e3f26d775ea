"""What a rail can do, in figures; each figure may cite its source in `sources`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from rewardrails.domain.statement import Statements


class ProviderType(StrEnum):
    """The six kinds of rail."""

    MANUAL = "manual"
    GIFT_CARD = "gift_card"
    TON_WALLET = "ton_wallet"
    CRYPTO_EXCHANGE = "crypto_exchange"
    FIAT_PROVIDER = "fiat_provider"
    TELEGRAM_IF_SUPPORTED = "telegram_if_supported"


OVER_A_BLOCKCHAIN = frozenset({ProviderType.TON_WALLET, ProviderType.CRYPTO_EXCHANGE})


class Dedupe(StrEnum):
    """What the rail does with a key it has seen."""

    REPLAY = "replay"
    REJECT_WITH_POINTER = "reject_with_pointer"
    REJECT_BARE = "reject_bare"
    NONE = "none"


class DedupeScope(StrEnum):
    """What one key covers."""

    REQUEST = "request"
    BATCH = "batch"


class Lookup(StrEnum):
    """By which name an attempt can be asked for."""

    OUR_REFERENCE = "our_reference"
    PROVIDER_REFERENCE = "provider_reference"
    NONE = "none"


class WebhookTrust(StrEnum):
    """How much a notice proves."""

    SIGNED_FULL = "signed_full"
    SIGNED_THIN = "signed_thin"
    UNSIGNED_HINT = "unsigned_hint"
    NONE = "none"


class ProviderEnvironment(StrEnum):
    """Where a provider's money is play money and where it is not."""

    SANDBOX = "sandbox"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFormat:
    """The idempotency keys a rail takes; one that does not fit is refused, never cut."""

    max_length: int
    alphabet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetLimits:
    """An asset as the rail takes it; amounts in smallest units, `max_minor` None where the rail states no limit."""

    exponent: int
    min_minor: int = 1
    max_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeSchedule:
    """The most a rail charges on top: a fixed part per asset (smallest units) plus basis points of the amount."""

    fixed_minor: Mapping[str, int] = field(default_factory=dict)
    basis_points: int = 0

    def ceiling(self, amount_minor: int, asset: str) -> int:
        """Highest fee for this amount, smallest units, rounded up."""
        return self.fixed_minor.get(asset, 0) + -(-amount_minor * self.basis_points // 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Everything the engine must know of a rail. `None` windows mean "for ever"; empty sets mean "no limit stated"."""

    provider_type: ProviderType
    dedupe: Dedupe
    dedupe_scope: DedupeScope = DedupeScope.REQUEST
    dedupe_window: timedelta | None = None
    dedupe_replays_errors: bool = False
    key_format: KeyFormat
    lookup: Lookup
    lookup_is_authoritative: bool = False
    lookup_lag: timedelta = timedelta(0)
    webhooks: WebhookTrust = WebhookTrust.NONE
    statements: Statements = Statements.NONE
    batch_limit: int = 1
    batch_is_atomic: bool = False
    cancel_from: frozenset[str] = frozenset()
    reversal_horizon: timedelta = timedelta(0)
    assets: Mapping[str, AssetLimits] = field(default_factory=dict)
    jurisdictions: frozenset[str] = frozenset()
    destination_kinds: frozenset[str] = frozenset()
    fees: FeeSchedule = field(default_factory=FeeSchedule)
    rate_per_second: float | None = None
    max_in_flight: int = 1
    call_timeout: timedelta = timedelta(seconds=10)
    first_sync_after: timedelta = timedelta(seconds=30)
    environments: frozenset[ProviderEnvironment] = frozenset({ProviderEnvironment.SANDBOX})
    needs_legal_approval: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Whatever an adapter says, nothing goes over a blockchain without a recorded legal approval."""
        if self.provider_type in OVER_A_BLOCKCHAIN:
            object.__setattr__(self, "needs_legal_approval", True)

    @property
    def same_key_is_safe(self) -> bool:
        """Whether the rail itself stops a second payout under a key it has seen."""
        return self.dedupe is not Dedupe.NONE
