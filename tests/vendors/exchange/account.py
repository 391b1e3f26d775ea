"""An account of ours at a double."""

from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext, SettingValue
from rewardrails.providers.exchange.figures import EXCHANGES
from rewardrails.providers.http import Guard, HttpClient, unguarded
from rewardrails.secrets import Secret
from tests.vendors.exchange.book import API_KEY, API_SECRET, KIND, PASSPHRASE, ExchangeDouble

ASSETS = {"TON": 9, "USDT": 6, "EUR": 2}
CHARGES = FeeSchedule(fixed_minor={"TON": 50_000_000, "USDT": 200_000, "EUR": 20})


def context_at(
    exchange: str, vendor: ExchangeDouble, *, name: str = "coins", guard: Guard = unguarded, **settings: SettingValue
) -> ProviderContext:
    """A rail over the exchange that this is a double of; euros are its `EURI`."""
    keys = {"api_key": Secret(API_KEY), "api_secret": Secret(API_SECRET)}
    if EXCHANGES[exchange].wants_passphrase:
        keys["api_passphrase"] = Secret(PASSPHRASE)
    chains = {asset: vendor.chain_of(coin) for asset, coin in (("TON", "TON"), ("USDT", "USDT"), ("EUR", "EURI"))}
    return ProviderContext(
        name=name,
        environment=ProviderEnvironment.SANDBOX,
        settings={"exchange": exchange, "base_url": vendor.url, "networks": chains, "coins": {"EUR": "EURI"}}
        | settings,
        credentials=keys,
        assets=ASSETS,
        destination_kinds=frozenset({KIND}),
        fees=CHARGES,
        call_timeout_seconds=2.0,
        http=HttpClient(guard=guard),
    )
