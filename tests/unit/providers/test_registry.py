"""Finding adapters by name and refusing what contradicts itself before anything is sent."""

from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from rewardrails.errors import ConfigInvalid
from rewardrails.providers.capabilities import ProviderEnvironment, ProviderType, WebhookTrust
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.fake.provider import FakeProvider
from rewardrails.providers.http import HttpClient
from rewardrails.providers.manual.provider import ManualProvider
from rewardrails.providers.registry import ENTRY_POINT_GROUP, adapter_names, build
from rewardrails.secrets import Secret


def context(**changes: object) -> ProviderContext:
    base = ProviderContext(
        name="p1",
        environment=ProviderEnvironment.SANDBOX,
        settings={"base_url": "http://127.0.0.1:1"},
        credentials={"api_token": Secret("t"), "webhook_secret": Secret("whsec_" + "A" * 44)},
        assets={"USD": 2},
        http=HttpClient(),
    )
    return replace(base, **changes)


def manual_context(**changes: object) -> ProviderContext:
    return context(settings={}, credentials={}, **changes)


def announced(*entries: tuple[str, str]) -> list[EntryPoint]:
    return [EntryPoint(name=name, value=value, group=ENTRY_POINT_GROUP) for name, value in entries]


class Boastful(ManualProvider):
    """Claims webhooks without a way to receive them."""

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self.capabilities = replace(self.capabilities, webhooks=WebhookTrust.SIGNED_FULL)


class InThisFile(EntryPoint):
    """An entry point for a class that cannot be imported by name."""

    def load(self) -> type[Boastful]:
        return Boastful


def test_built_in_adapters_are_found_by_name() -> None:
    assert isinstance(build("fake", context()), FakeProvider)
    assert isinstance(build("manual", manual_context()), ManualProvider)


def test_an_announced_adapter_is_loaded_when_named() -> None:
    entries = announced(("hand", f"{ManualProvider.__module__}:ManualProvider"), ("broken", "no.such.module:Thing"))

    provider = build("hand", manual_context(), lambda: entries)

    assert isinstance(provider, ManualProvider)
    assert adapter_names(lambda: entries) == [
        "broken",
        "exchange",
        "fake",
        "hand",
        "manual",
        "paypal",
        "reloadly",
        "stripe",
        "tremendous",
        "wise",
    ]


@pytest.mark.parametrize(
    "entries",
    [announced(("fake", "evil:Adapter")), announced(("x", "a:A"), ("x", "b:B"))],
    ids=["a built-in name", "each other's name"],
)
def test_a_name_claimed_twice_is_refused(entries: list[EntryPoint]) -> None:
    with pytest.raises(ConfigInvalid, match="claimed twice"):
        build("manual", manual_context(), lambda: entries)


def test_an_unknown_adapter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigInvalid, match="'nope'; there are exchange, fake, manual"):
        build("nope", context(), list)


def test_an_environment_the_adapter_does_not_serve_is_refused() -> None:
    live = context(environment=ProviderEnvironment.LIVE, settings={"base_url": "https://pay.example"})

    with pytest.raises(ConfigInvalid, match="serves only sandbox"):
        build("fake", live)


def test_a_type_the_adapter_is_not_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="configured as a gift_card"):
        build("manual", manual_context(provider_type=ProviderType.GIFT_CARD))


@pytest.mark.parametrize("provider_type", list(ProviderType))
def test_a_fake_takes_any_type(provider_type: ProviderType) -> None:
    provider = build("fake", context(provider_type=provider_type))

    assert provider.capabilities.provider_type is provider_type


def test_capabilities_without_their_method_are_refused() -> None:
    entry = InThisFile(name="boastful", value="tests:Boastful", group=ENTRY_POINT_GROUP)

    with pytest.raises(ConfigInvalid, match="contradicts itself"):
        build("boastful", manual_context(), lambda: [entry])


@pytest.mark.promise("G4")
@pytest.mark.incident("I22")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": {}}, "base_url"),
        ({"settings": {"base_url": "http://127.0.0.1:1", "base_ulr": "x"}}, "base_ulr"),
        ({"settings": {"base_url": 7}}, "base_url"),
        ({"settings": {"base_url": "ftp://x"}}, "base_url"),
        ({"settings": {"base_url": "http://user:pw@x"}}, "base_url"),
        ({"settings": {"base_url": "http://x", "lookup": "guess"}}, "lookup"),
        ({"credentials": {"webhook_secret": Secret("whsec_" + "A" * 44)}}, "api_token"),
        ({"credentials": {"api_token": Secret("t"), "webhook_secret": Secret("")}}, "webhook_secret"),
        ({"credentials": {"api_token": Secret("t"), "webhook_secret": Secret("whsec_AAAA")}}, "webhook secret"),
    ],
)
def test_missing_unknown_and_weak_settings_stop_the_start(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigInvalid, match=words) as caught:
        build("fake", context(**changes))

    assert "user:pw" not in str(caught.value)


@pytest.mark.promise("G6")
def test_live_money_demands_https() -> None:
    live = context(environment=ProviderEnvironment.LIVE, settings={"base_url": "http://pay.example"})

    with pytest.raises(ConfigInvalid, match="https when live"):
        build("fake", live)
