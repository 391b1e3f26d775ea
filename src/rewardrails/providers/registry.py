"""Which adapters there are, and how a configured provider is made of one. The only module that names rails.

Adapters of other packages announce themselves in the entry point group `rewardrails.adapters`.
"""

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Protocol, cast

from rewardrails.domain.assets import Asset
from rewardrails.domain.statement import Statements
from rewardrails.errors import ConfigInvalid
from rewardrails.providers.base import (
    RewardPayoutProvider,
    SupportsStatement,
    SupportsStatementFile,
    SupportsWebhooks,
)
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment, ProviderType, WebhookTrust
from rewardrails.providers.context import AdapterFactory, ProviderContext, SettingValue
from rewardrails.providers.exchange.provider import ExchangeProvider
from rewardrails.providers.fake.provider import FakeProvider
from rewardrails.providers.http import Guard, HttpClient, unguarded
from rewardrails.providers.manual.provider import ManualProvider
from rewardrails.providers.paypal.provider import PayPalProvider
from rewardrails.providers.reloadly.provider import ReloadlyProvider
from rewardrails.providers.stripe.provider import StripeProvider
from rewardrails.providers.tremendous.provider import TremendousProvider
from rewardrails.providers.wise.provider import WiseProvider
from rewardrails.secrets import Secret

ENTRY_POINT_GROUP = "rewardrails.adapters"

BUILT_IN: Mapping[str, AdapterFactory] = MappingProxyType(
    {
        "exchange": ExchangeProvider,
        "fake": FakeProvider,
        "manual": ManualProvider,
        "paypal": PayPalProvider,
        "reloadly": ReloadlyProvider,
        "stripe": StripeProvider,
        "tremendous": TremendousProvider,
        "wise": WiseProvider,
    }
)

Announced = Callable[[], Iterable[EntryPoint]]


class ConfiguredProvider(Protocol):
    """What the registry reads of one provider's configuration."""

    @property
    def adapter(self) -> str:
        """Name of the adapter."""

    @property
    def type(self) -> ProviderType:
        """The kind of rail it must be."""

    @property
    def environment(self) -> ProviderEnvironment:
        """Play money or real money."""

    @property
    def settings(self) -> Mapping[str, SettingValue]:
        """What the adapter itself reads."""

    @property
    def credentials(self) -> Mapping[str, Secret]:
        """Resolved secrets by name."""

    @property
    def destination_kinds(self) -> frozenset[str]:
        """Kinds of destination routed to it."""

    @property
    def fees(self) -> FeeSchedule:
        """The most it charges on top."""

    @property
    def max_in_flight(self) -> int | None:
        """Orders at once; None leaves it to the adapter."""

    @property
    def call_timeout_seconds(self) -> float | None:
        """Longest wait for one answer; None leaves it to the adapter."""


class Declarations(Protocol):
    """What it reads of the rest of the configuration."""

    @property
    def assets(self) -> Mapping[str, Asset]:
        """Declared assets by code."""


def build_provider(
    name: str, settings: ConfiguredProvider, config: Declarations, *, guard: Guard = unguarded
) -> RewardPayoutProvider:
    """Make a configured provider with connections of its own; `guard` runs before each of its requests.

    Raises `ConfigInvalid` as `build` does.
    """
    return build(settings.adapter, context_of(name, settings, config, http=HttpClient(guard=guard)))


def context_of(name: str, settings: ConfiguredProvider, config: Declarations, *, http: HttpClient) -> ProviderContext:
    """What an adapter is made with, by the configuration; its requests go out through `http`."""
    return ProviderContext(
        name=name,
        environment=settings.environment,
        settings=settings.settings,
        credentials=settings.credentials,
        assets={code: asset.exponent for code, asset in config.assets.items()},
        destination_kinds=settings.destination_kinds,
        fees=settings.fees,
        provider_type=settings.type,
        max_in_flight=settings.max_in_flight,
        call_timeout_seconds=settings.call_timeout_seconds,
        http=http,
    )


def announced_adapters() -> Iterable[EntryPoint]:
    """The entry points that installed packages declare."""
    return entry_points(group=ENTRY_POINT_GROUP)


def adapter_names(announced: Announced = announced_adapters) -> list[str]:
    """Every adapter's name, sorted; raises `ConfigInvalid` when a name is claimed twice."""
    return sorted(_by_name(announced))


def build(adapter: str, context: ProviderContext, announced: Announced = announced_adapters) -> RewardPayoutProvider:
    """A provider of the named adapter; of foreign packages only that adapter's is imported.

    Raises `ConfigInvalid` for a name that nobody or more than one package offers, for settings the adapter does not
    take, for a type or an environment it does not serve, and for capabilities that contradict its methods.
    """
    known = _by_name(announced)
    if adapter not in known:
        raise ConfigInvalid(
            f"provider {context.name!r}: no adapter is called {adapter!r}; there are {', '.join(sorted(known))}",
            field=f"providers.{context.name}.adapter",
        )
    found = known[adapter]
    factory = cast(AdapterFactory, found.load()) if isinstance(found, EntryPoint) else found
    provider = factory(context)
    _refuse_contradictions(provider, context)
    return provider


def _by_name(announced: Announced) -> dict[str, AdapterFactory | EntryPoint]:
    known: dict[str, AdapterFactory | EntryPoint] = dict(BUILT_IN)
    for entry in announced():
        if entry.name in known:
            raise ConfigInvalid(
                f"the adapter name {entry.name!r} is claimed twice, the second time by {entry.value}: "
                "remove one of the packages that offer it"
            )
        known[entry.name] = entry
    return known


def _refuse_contradictions(provider: RewardPayoutProvider, context: ProviderContext) -> None:
    capabilities = provider.capabilities
    if context.environment not in capabilities.environments:
        served = ", ".join(sorted(capabilities.environments))
        raise ConfigInvalid(
            f"provider {context.name!r} is configured as {context.environment}, its adapter serves only {served}",
            field=f"providers.{context.name}.environment",
        )
    if context.provider_type not in {None, capabilities.provider_type}:
        raise ConfigInvalid(
            f"provider {context.name!r} is configured as a {context.provider_type}, "
            f"its adapter is a {capabilities.provider_type}",
            field=f"providers.{context.name}.type",
        )
    if isinstance(provider, SupportsWebhooks) is (capabilities.webhooks is WebhookTrust.NONE):
        raise ConfigInvalid(
            f"the adapter of provider {context.name!r} contradicts itself about webhooks: mend the adapter"
        )
    listed, filed = isinstance(provider, SupportsStatement), isinstance(provider, SupportsStatementFile)
    declared = capabilities.statements
    if listed is not (declared is Statements.LIST) or filed is not (declared is Statements.FILE):
        raise ConfigInvalid(
            f"the adapter of provider {context.name!r} contradicts itself about statements: mend the adapter"
        )
