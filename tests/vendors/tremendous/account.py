"""An account of ours at the double."""

from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext, SettingValue
from rewardrails.providers.http import HttpClient
from rewardrails.secrets import Secret
from tests.vendors.tremendous.double import API_KEY, CAMPAIGN, FUNDING_SOURCE, KIND, WEBHOOK_KEY, TremendousDouble


def context_at(vendor: TremendousDouble, **settings: SettingValue) -> ProviderContext:
    """The rail `gifts`."""
    return ProviderContext(
        name="gifts",
        environment=ProviderEnvironment.SANDBOX,
        settings={"base_url": vendor.url, "funding_source_id": FUNDING_SOURCE, "campaign_id": CAMPAIGN} | settings,
        credentials={"api_key": Secret(API_KEY), "webhook_private_key": Secret(WEBHOOK_KEY)},
        assets={"USD": 2},
        destination_kinds=frozenset({KIND}),
        fees=FeeSchedule(basis_points=500),
        http=HttpClient(),
    )
