"""What the fake adapter does without a network: quotes, capabilities, secrets."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from rewardrails import clock
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.quote import QuoteRequest
from rewardrails.providers.base import (
    RewardPayoutProvider,
    SupportsBalance,
    SupportsBatch,
    SupportsCancel,
    SupportsPrepare,
    SupportsWebhooks,
)
from rewardrails.providers.capabilities import Dedupe, FeeSchedule, Lookup, ProviderEnvironment
from rewardrails.providers.context import ProviderContext, SettingValue
from rewardrails.providers.fake.provider import FakeProvider
from rewardrails.providers.http import HttpClient
from rewardrails.secrets import Secret

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class StoppedClock(clock.SystemClock):
    """It is always NOW."""

    def now(self) -> datetime:
        return NOW


def fake(settings: Mapping[str, SettingValue] | None = None) -> FakeProvider:
    return FakeProvider(
        ProviderContext(
            name="fake-eu",
            environment=ProviderEnvironment.SANDBOX,
            settings={"base_url": "http://127.0.0.1:1/", **(settings or {})},
            credentials={"api_token": Secret("canary-token"), "webhook_secret": Secret("whsec_" + "A" * 44)},
            assets={"USD": 2},
            fees=FeeSchedule(fixed_minor={"USD": 25}, basis_points=150),
            http=HttpClient(),
        )
    )


async def test_a_quote_is_amount_plus_the_highest_fee_and_ends() -> None:
    request = QuoteRequest(
        amount=Money(amount_minor=1001, asset="USD"),
        destination=Destination(kind="iban", value="DE89"),
        player_id="player-1",
        jurisdiction="DE",
    )
    with clock.use(StoppedClock()):
        quote = await fake({"quote_ttl_seconds": 60}).quote(request)

    assert quote.amount == request.amount
    assert quote.fee == Money(amount_minor=41, asset="USD")
    assert quote.total == Money(amount_minor=1042, asset="USD")
    assert quote.expires_at == NOW + timedelta(seconds=60)


def test_settings_become_capabilities() -> None:
    capabilities = fake(
        {
            "dedupe": "none",
            "dedupe_window_seconds": 5,
            "dedupe_replays_errors": True,
            "lookup": "provider_reference",
            "lookup_lag_seconds": 2.5,
            "reversal_horizon_seconds": 3600,
        }
    ).capabilities

    assert capabilities.dedupe is Dedupe.NONE
    assert capabilities.dedupe_window == timedelta(seconds=5)
    assert capabilities.dedupe_replays_errors
    assert capabilities.lookup is Lookup.PROVIDER_REFERENCE
    assert capabilities.lookup_lag == timedelta(seconds=2.5)
    assert capabilities.reversal_horizon == timedelta(hours=1)


@pytest.mark.promise("G1")
@pytest.mark.incident("I1")
@pytest.mark.parametrize("lookup", ["none", "provider_reference"])
def test_without_a_lookup_by_our_reference_absence_is_never_authoritative(lookup: str) -> None:
    assert not fake({"lookup": lookup, "lookup_is_authoritative": True}).capabilities.lookup_is_authoritative


def test_it_declares_what_it_implements() -> None:
    provider: RewardPayoutProvider = fake()

    assert isinstance(provider, SupportsCancel)
    assert isinstance(provider, SupportsWebhooks)
    assert isinstance(provider, SupportsBalance)
    assert not isinstance(provider, SupportsBatch | SupportsPrepare)


@pytest.mark.promise("G6")
@pytest.mark.incident("I25")
def test_no_secret_shows_in_anything_it_holds() -> None:
    provider = fake()

    assert "canary-token" not in repr(provider) + repr(vars(provider))
