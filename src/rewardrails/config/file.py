"""The shape of `rewardrails.toml` as written, before references are resolved."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from rewardrails.config.file_gates import (
    ApprovalRuleTable,
    DestinationRuleTable,
    EligibilityTable,
    FloatTable,
    HoldsTable,
    LimitTable,
    OwnershipTable,
    ReferenceTable,
    RiskTable,
    ScreenerTable,
    ScreeningTable,
)
from rewardrails.config.file_sign_in import SignInTable
from rewardrails.config.model import Environment
from rewardrails.config.shapes import Decimals, Jurisdiction, Name, OneOf, PublicKey, Reference, Table
from rewardrails.providers.capabilities import ProviderEnvironment, ProviderType


class AssetTable(Table):
    """[assets.CODE]."""

    exponent: int = Field(ge=0, le=30)
    redeemable: bool = False


class KindTable(Table):
    """[destination_kinds.NAME]."""

    parser: str
    assets: list[Name] = Field(min_length=1)
    rules: DestinationRuleTable = DestinationRuleTable()


class PoolTable(Table):
    """[pools.NAME]."""

    asset: Name
    max_payout: Decimals | None = None


class CampaignTable(EligibilityTable):
    """[campaigns.NAME]."""

    jurisdictions: list[Jurisdiction] = Field(min_length=1)
    pools: dict[Name, Name]


class FeeTable(Table):
    """[providers.NAME.fees]: the most the provider charges on top."""

    basis_points: int = Field(default=0, ge=0, le=10_000)
    fixed: dict[Name, Decimals] = {}


class ReconcileTable(Table):
    """[providers.NAME.reconcile]: holding its own list against ours."""

    every_hours: float | None = Field(default=None, ge=0.25, le=720)
    days_back: float = Field(default=7, gt=0, le=365)
    margin_hours: float | None = Field(default=None, ge=0, le=720)


class ProviderTable(EligibilityTable):
    """[providers.NAME]."""

    type: Annotated[ProviderType, OneOf]
    adapter: Name
    enabled: bool = False
    environment: Annotated[ProviderEnvironment, OneOf] = ProviderEnvironment.SANDBOX
    jurisdictions: list[Jurisdiction] = []
    settings: dict[str, JsonValue] = {}
    credentials: dict[Name, Reference] = {}
    fees: FeeTable = FeeTable()
    floats: dict[Name, FloatTable] = {}
    reconcile: ReconcileTable = ReconcileTable()
    max_in_flight: int | None = Field(default=None, ge=1, le=100_000)
    rate_per_second: float | None = Field(default=None, gt=0)
    burst: float | None = Field(default=None, ge=1)
    call_timeout_seconds: float | None = Field(default=None, gt=0, le=300)


class RouteTable(Table):
    """[[routes]]: the first that takes a payout decides."""

    destination_kind: Name
    provider: Name
    campaign: Name | None = None
    asset: Name | None = None
    jurisdictions: list[Jurisdiction] = []
    min_amount: Decimals | None = None
    max_amount: Decimals | None = None


class EndpointTable(Table):
    """[[events.endpoints]]."""

    name: Name
    url: str
    secret: Reference
    allow_private: bool = False


class EventsTable(Table):
    """[events]."""

    endpoints: list[EndpointTable] = []


class DatabaseTable(Table):
    """[database]."""

    url: Reference | None = None


class ServerTable(Table):
    """[server]."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)


class WorkerTable(Table):
    """[worker]."""

    calls_at_once: int = Field(default=128, ge=1, le=10_000)


class SecurityTable(Table):
    """[security]."""

    master_key: Reference | None = None
    old_master_keys: list[Reference] = []
    key_service: str | None = None
    key_service_settings: dict[str, str] = {}


class AuditTable(Table):
    """[audit]."""

    signing_key: Reference | None = None
    checkpoints: str | None = Field(default=None, min_length=1)
    old_public_keys: list[PublicKey] = []


class BreakerTable(Table):
    """[breaker]."""

    failures: int = Field(default=20, ge=1)
    closed_seconds: float = Field(default=5.0, gt=0)


class RetryTable(Table):
    """[retry]."""

    max_tries: int = Field(default=5, ge=0, le=100)


class LoggingTable(Table):
    """[logging]."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class File(Table):
    """The whole file."""

    environment: Annotated[Environment, OneOf]
    network: Literal["mainnet", "testnet"] = "mainnet"
    max_field_length: int = Field(default=1000, ge=10, le=10_000)
    database: DatabaseTable = DatabaseTable()
    server: ServerTable = ServerTable()
    worker: WorkerTable = WorkerTable()
    security: SecurityTable = SecurityTable()
    audit: AuditTable = AuditTable()
    breaker: BreakerTable = BreakerTable()
    retry: RetryTable = RetryTable()
    events: EventsTable = EventsTable()
    logging: LoggingTable = LoggingTable()
    assets: dict[Name, AssetTable] = {}
    destination_kinds: dict[Name, KindTable] = {}
    pools: dict[Name, PoolTable] = {}
    campaigns: dict[Name, CampaignTable] = {}
    providers: dict[Name, ProviderTable] = {}
    routes: list[RouteTable] = []
    limits: list[LimitTable] = []
    approvals: list[ApprovalRuleTable] = []
    reference: ReferenceTable = ReferenceTable()
    screening: ScreeningTable = ScreeningTable()
    screeners: dict[Name, ScreenerTable] = {}
    ownership: OwnershipTable = OwnershipTable()
    risk: RiskTable = RiskTable()
    holds: HoldsTable = HoldsTable()
    sign_in: SignInTable = SignInTable()
