"""An engine whose rail `one` is an account at an exchange's double, with its legal approval."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from rewardrails.domain.reward import RewardRow
from rewardrails.engine.core import Core
from rewardrails.providers.exchange.provider import ExchangeProvider
from rewardrails.store.database import assert_no_transaction
from tests.support.gates import allow_chains
from tests.support.season import CONFIG, opened_core, reward
from tests.vendors.exchange.account import context_at
from tests.vendors.exchange.book import KIND, ExchangeDouble
from tests.vendors.exchange.doubles import DOUBLES

FAKE = 'type = "fiat_provider"\nadapter = "fake"\nenabled = true\n[providers.two]'
EXCHANGE = """type = "crypto_exchange"
adapter = "exchange"
enabled = true
fees = { fixed = { EUR = "0.20" } }
rate_per_second = 100
[providers.two]"""
WALLETS = f"""
[destination_kinds.{KIND}]
parser = "note"
assets = ["EUR"]
[[routes]]
destination_kind = "{KIND}"
provider = "one"
"""
Opened = Callable[[str], AbstractAsyncContextManager[tuple[Core, ExchangeDouble]]]


def at(exchange: str, *, allowed: bool = True, **settings: float) -> Opened:
    """Opens an engine on a database, beside a double of the exchange."""

    @asynccontextmanager
    async def opened(dsn: str) -> AsyncIterator[tuple[Core, ExchangeDouble]]:
        async with DOUBLES[exchange]() as double:
            quick = {"first_sync_after_seconds": 0.2} | settings
            context = context_at(exchange, double, name="one", guard=assert_no_transaction, **quick)
            provider = ExchangeProvider(replace(context, max_in_flight=100, call_timeout_seconds=1.0))
            try:
                assert FAKE in CONFIG
                config = CONFIG.replace(FAKE, EXCHANGE) + WALLETS
                async with opened_core(dsn, [provider], config=config) as core:
                    if allowed:
                        await allow_chains(core)
                    yield core, double
            finally:
                await provider.close()

    return opened


def to_wallet(number: int, *, memo: str = "") -> RewardRow:
    """Reward `number`, to be paid in EUR to an address of its own."""
    return reward(number, kind=KIND, value=f"WalletOfPlayer{number}", memo=memo)
