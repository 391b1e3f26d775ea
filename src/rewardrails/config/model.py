"""What the rest of the code sees of the configuration: frozen, resolved, consistent."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Self

from rewardrails.config.sign_in import SignInSettings
from rewardrails.domain.assets import Asset
from rewardrails.domain.policy.floats import FloatRule
from rewardrails.domain.policy.places import covered
from rewardrails.domain.policy.rules import Rules
from rewardrails.domain.reward import KindRule, RowRules
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment, ProviderType
from rewardrails.providers.context import SettingValue
from rewardrails.secrets import Secret


class Environment(StrEnum):
    """What is at stake: nothing, play money, or money."""

    TEST = "test"
    SANDBOX = "sandbox"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """A pool that exists from the first start on; `max_payout_minor` bounds one payout (smallest units)."""

    asset: str
    max_payout_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSettings:
    """Where a campaign may pay, and out of which pool for each asset."""

    jurisdictions: frozenset[str]
    pools: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileSettings:
    """How a provider's own list is held against ours: how often by itself (None: never), how far back, and how long a payment
    may take to show up there (None: six hours, or three days for a bank's statement)."""

    every: timedelta | None = None
    look_back: timedelta = timedelta(days=7)
    margin: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """One configured provider. `enabled` is false until somebody says otherwise; None leaves a figure to the adapter."""

    type: ProviderType
    adapter: str
    enabled: bool = False
    environment: ProviderEnvironment = ProviderEnvironment.SANDBOX
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    credentials: Mapping[str, Secret] = field(default_factory=dict)
    destination_kinds: frozenset[str] = frozenset()
    fees: FeeSchedule = field(default_factory=FeeSchedule)
    max_in_flight: int | None = None
    rate_per_second: float | None = None
    burst: float | None = None
    call_timeout_seconds: float | None = None
    reconcile: ReconcileSettings = field(default_factory=ReconcileSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which provider takes what; None and the empty set mean "any". Both amounts (smallest units) are themselves taken."""

    destination_kind: str
    provider: str
    campaign: str | None = None
    asset: str | None = None
    jurisdictions: frozenset[str] = frozenset()
    min_amount_minor: int | None = None
    max_amount_minor: int | None = None

    def takes(self, campaign: str, jurisdiction: str, destination_kind: str, asset: str) -> bool:
        """Whether this route applies to some amount."""
        return (
            destination_kind == self.destination_kind
            and self.campaign in (None, campaign)
            and self.asset in (None, asset)
            and (not self.jurisdictions or covered(jurisdiction, self.jurisdictions))
        )

    def takes_amount(self, amount_minor: int) -> bool:
        """Whether the amount (smallest units) is within this route's bounds."""
        return (self.min_amount_minor is None or amount_minor >= self.min_amount_minor) and (
            self.max_amount_minor is None or amount_minor <= self.max_amount_minor
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenerSettings:
    """One configured screener, the kinds of destination that ask for it, and how long its answers count at most."""

    adapter: str
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    credentials: Mapping[str, Secret] = field(default_factory=dict)
    kinds: frozenset[str] = frozenset()
    answers_last: timedelta = timedelta(hours=24)
    ask_again: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnershipSettings:
    """Who asks for proofs of ownership, how long a challenge may be answered, and which proofs count for which kind."""

    domain: str = "rewardrails"
    challenge_lasts: timedelta = timedelta(minutes=15)
    proofs: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """Where a game listens for events."""

    name: str
    url: str = field(repr=False)
    secret: Secret
    allow_private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where the API listens."""

    host: str = "127.0.0.1"
    port: int = 8080


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How much one worker process has under way per provider."""

    calls_at_once: int = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """A provider that fails `failures` times in a row gets nothing for `closed_seconds`, then one probe."""

    failures: int = 20
    closed_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """How often a payout's own certain refusals are answered with a new attempt."""

    max_tries: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Where the database is; None is the embedded one in the working folder."""

    url: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySettings:
    """What the data keys are wrapped with: a master key (None only where a test environment makes its own) or a key service.

    `old_master_keys` open what they wrapped and seal nothing any more. `key_service` is the name of an installed service.
    """

    master_key: Secret | None = None
    old_master_keys: tuple[Secret, ...] = ()
    key_service: str | None = None
    key_service_settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """Who signs the log (PEM text) and in which folder; None is made up. `old_public_keys` (32 bytes each) still count."""

    signing_key: Secret | None = None
    checkpoints: Path | None = None
    old_public_keys: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSettings:
    """Everybody who listens for events."""

    endpoints: tuple[EndpointSettings, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingSettings:
    """How loud."""

    level: str = "info"


@dataclass(frozen=True, kw_only=True)
class Config:
    """The whole configuration of one process."""

    environment: Environment = Environment.TEST
    network: str = "mainnet"
    max_field_length: int = 1000
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    security: SecuritySettings = field(default_factory=SecuritySettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)
    events: EventSettings = field(default_factory=EventSettings)
    logging: LoggingSettings = field(default_factory=LoggingSettings)
    assets: Mapping[str, Asset] = field(default_factory=dict)
    destination_kinds: Mapping[str, KindRule] = field(default_factory=dict)
    pools: Mapping[str, PoolSettings] = field(default_factory=dict)
    campaigns: Mapping[str, CampaignSettings] = field(default_factory=dict)
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    rules: Rules = field(default_factory=lambda: Rules(payable=frozenset()))
    screeners: Mapping[str, ScreenerSettings] = field(default_factory=dict)
    ownership: OwnershipSettings = field(default_factory=OwnershipSettings)
    floats: Mapping[str, Mapping[str, FloatRule]] = field(default_factory=dict)
    sign_in: SignInSettings = field(default_factory=SignInSettings)

    @classmethod
    def load(cls, path: Path, env: Mapping[str, str] | None = None) -> Self:
        """Read a file. Raises `ConfigInvalid` naming file, line and key for everything that is wrong."""
        from rewardrails.config.load import load  # noqa: PLC0415 - the loader builds this class

        return load(cls, path, os.environ if env is None else env)

    @classmethod
    def parse(cls, text: str, env: Mapping[str, str] | None = None, *, source: str = "rewardrails.toml") -> Self:
        """Read a text as `load` reads a file."""
        from rewardrails.config.load import parse  # noqa: PLC0415 - the loader builds this class

        return parse(cls, text, os.environ if env is None else env, source)

    @classmethod
    def default(cls, env: Mapping[str, str] | None = None) -> Self:
        """What holds without a file: a test environment in which nothing can be sent."""
        return cls.parse('environment = "test"\n', env, source="(no configuration file)")

    @property
    def manual_providers(self) -> list[str]:
        """Names of the rails that people work."""
        return [name for name, settings in self.providers.items() if settings.type is ProviderType.MANUAL]

    def route(
        self, campaign: str, jurisdiction: str, destination_kind: str, asset: str, amount_minor: int
    ) -> str | None:
        """Name of the provider whose route takes this first; None when none does."""
        key = (campaign, jurisdiction, destination_kind, asset)
        if key not in self._routed:
            self._routed[key] = tuple(route for route in self.routes if route.takes(*key))
        return next((route.provider for route in self._routed[key] if route.takes_amount(amount_minor)), None)

    def pool_asset(self, code: str) -> Asset:
        """The declared asset a pool may hold. Raises `RewardRailsError` for one that is not declared or not redeemable."""
        asset = self.assets.get(code)
        if asset is None:
            raise RewardRailsError("the asset is not declared", field="asset", code=ErrorCode.ASSET_UNSUPPORTED)
        if not asset.redeemable:
            raise RewardRailsError(
                f"{code} is not redeemable, so no pool can hold it", field="asset", code=ErrorCode.ASSET_NOT_REDEEMABLE
            )
        return asset

    def row_rules(self) -> RowRules:
        """What a reward's fields are checked against."""
        return self._row_rules

    def describe_switches(self) -> list[str]:
        """A line for each provider: whether it can send value, and if not, why."""
        lines = [f"environment: {self.environment.value}"]
        for name, provider in self.providers.items():
            switch = "ON " if provider.enabled else "off"
            money = "LIVE MONEY" if provider.environment is ProviderEnvironment.LIVE else "sandbox"
            why = "" if provider.enabled else " - set enabled = true to let it send"
            lines.append(f"{switch} {name} ({provider.type.value}, adapter {provider.adapter}, {money}){why}")
        if not self.providers:
            lines.append(
                "no provider is configured: nothing can be sent (rewardrails init writes a file to start from)"
            )
        return lines

    @cached_property
    def _row_rules(self) -> RowRules:
        return RowRules(
            campaigns={name: campaign.jurisdictions for name, campaign in self.campaigns.items()},
            assets=self.assets,
            kinds=self.destination_kinds,
            max_field_length=self.max_field_length,
            network=self.network,
        )

    @cached_property
    def _routed(self) -> dict[tuple[str, str, str, str], tuple[Route, ...]]:
        return {}
