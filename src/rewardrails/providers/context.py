"""What an adapter is built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment, ProviderType
from rewardrails.secrets import Secret

if TYPE_CHECKING:
    from rewardrails.providers.base import RewardPayoutProvider
    from rewardrails.providers.http import HttpClient

SettingValue = str | int | float | bool | list["SettingValue"] | dict[str, "SettingValue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderContext:
    """One configured provider: its name, environment, adapter settings, resolved secrets, fee rule and way out.

    `assets` maps the asset codes of the configuration to their exponents. `provider_type` is the type the configuration
    expects; most adapters have one of their own and need not look.
    """

    name: str
    environment: ProviderEnvironment
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    credentials: Mapping[str, Secret] = field(default_factory=dict)
    assets: Mapping[str, int] = field(default_factory=dict)
    destination_kinds: frozenset[str] = frozenset()
    fees: FeeSchedule = field(default_factory=FeeSchedule)
    provider_type: ProviderType | None = None
    max_in_flight: int | None = None
    call_timeout_seconds: float | None = None
    http: "HttpClient"


class AdapterFactory(Protocol):
    """Makes a provider from its context; raises `ConfigInvalid` when settings or credentials are missing."""

    def __call__(self, context: ProviderContext) -> "RewardPayoutProvider": ...
