"""The shape of `rewardrails.toml` as written, before references are resolved."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from rewardrails.config.model import Environment
from rewardrails.providers.capabilities import ProviderEnvironment, ProviderType

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}$"
JURISDICTION_PATTERN = r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$"
DECIMALS_PATTERN = r"^[0-9]+(\.[0-9]+)?$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Jurisdiction = Annotated[str, StringConstraints(pattern=JURISDICTION_PATTERN)]
Decimals = Annotated[str, StringConstraints(pattern=DECIMALS_PATTERN)]
# Where a secret is; what stands there instead of a reference is refused when it is resolved.
Reference = str
# Only a text can become a member of these.
_OneOf = Field(strict=False)


class _Table(BaseModel):
    # Strict: a switch such as `enabled = "no"` is refused and never read as something near it.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class AssetTable(_Table):
    """[assets.CODE]."""

    exponent: int = Field(ge=0, le=30)
    redeemable: bool = False


class KindTable(_Table):
    """[destination_kinds.NAME]."""

    parser: str
    assets: list[Name] = Field(min_length=1)


class PoolTable(_Table):
    """[pools.NAME]."""

    asset: Name
    max_payout: Decimals | None = None


class CampaignTable(_Table):
    """[campaigns.NAME]."""

    jurisdictions: list[Jurisdiction] = Field(min_length=1)
    pools: dict[Name, Name]


class FeeTable(_Table):
    """[providers.NAME.fees]: the most the provider charges on top."""

    basis_points: int = Field(default=0, ge=0, le=10_000)
    fixed: dict[Name, Decimals] = {}


class ProviderTable(_Table):
    """[providers.NAME]."""

    type: Annotated[ProviderType, _OneOf]
    adapter: Name
    enabled: bool = False
    environment: Annotated[ProviderEnvironment, _OneOf] = ProviderEnvironment.SANDBOX
    settings: dict[str, JsonValue] = {}
    credentials: dict[Name, Reference] = {}
    fees: FeeTable = FeeTable()
    max_in_flight: int | None = Field(default=None, ge=1, le=100_000)
    rate_per_second: float | None = Field(default=None, gt=0)
    burst: float | None = Field(default=None, ge=1)
    call_timeout_seconds: float | None = Field(default=None, gt=0, le=300)


class RouteTable(_Table):
    """[[routes]]: the first that takes a payout decides."""

    destination_kind: Name
    provider: Name
    campaign: Name | None = None
    asset: Name | None = None
    jurisdictions: list[Jurisdiction] = []


class EndpointTable(_Table):
    """[[events.endpoints]]."""

    name: Name
    url: str
    secret: Reference
    allow_private: bool = False


class EventsTable(_Table):
    """[events]."""

    endpoints: list[EndpointTable] = []


class DatabaseTable(_Table):
    """[database]."""

    url: Reference | None = None


class ServerTable(_Table):
    """[server]."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)


class WorkerTable(_Table):
    """[worker]."""

    calls_at_once: int = Field(default=128, ge=1, le=10_000)


class SecurityTable(_Table):
    """[security]."""

    master_key: Reference | None = None


class BreakerTable(_Table):
    """[breaker]."""

    failures: int = Field(default=20, ge=1)
    closed_seconds: float = Field(default=5.0, gt=0)


class RetryTable(_Table):
    """[retry]."""

    max_tries: int = Field(default=5, ge=0, le=100)


class LoggingTable(_Table):
    """[logging]."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class File(_Table):
    """The whole file."""

    environment: Annotated[Environment, _OneOf]
    network: Literal["mainnet", "testnet"] = "mainnet"
    max_field_length: int = Field(default=1000, ge=10, le=10_000)
    database: DatabaseTable = DatabaseTable()
    server: ServerTable = ServerTable()
    worker: WorkerTable = WorkerTable()
    security: SecurityTable = SecurityTable()
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
