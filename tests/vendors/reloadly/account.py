"""An account of ours at the double."""

from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext, SettingValue
from rewardrails.providers.http import HttpClient
from rewardrails.secrets import Secret
from tests.vendors.reloadly.double import CLIENT_ID, CLIENT_SECRET, KIND, ReloadlyDouble


def context_at(vendor: ReloadlyDouble, **settings: SettingValue) -> ProviderContext:
    """The rail `cards`."""
    return ProviderContext(
        name="cards",
        environment=ProviderEnvironment.SANDBOX,
        settings={"base_url": vendor.url, "token_url": vendor.url, "sender_name": "A game"} | settings,
        credentials={"client_id": Secret(CLIENT_ID), "client_secret": Secret(CLIENT_SECRET)},
        assets={vendor.currency: 2},
        destination_kinds=frozenset({KIND}),
        fees=FeeSchedule(fixed_minor={vendor.currency: 100}, basis_points=500),
        http=HttpClient(),
    )
