"""Your own account at an exchange, asked and not moved: what the key may do, a quote, a look-up, the list; skipped without it."""

import os
from datetime import timedelta

import pytest

from rewardrails import clock, ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, CannotTell
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.quote import QuoteRequest
from rewardrails.domain.statement import Window
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.exchange.provider import ExchangeProvider
from rewardrails.providers.http import HttpClient
from rewardrails.secrets import Secret

NEEDED = (
    "EXCHANGE_LIVE_NAME",
    "EXCHANGE_LIVE_KEY",
    "EXCHANGE_LIVE_SECRET",
    "EXCHANGE_LIVE_COIN",
    "EXCHANGE_LIVE_NETWORK",
)
EXPONENT = 9
pytestmark = pytest.mark.skipif(
    not all(os.environ.get(name) for name in NEEDED), reason=f"a live test: set {', '.join(NEEDED)}"
)


async def test_a_real_account_answers_and_nothing_is_moved() -> None:
    name, key, secret, coin, network = (os.environ[one] for one in NEEDED)
    passphrase = os.environ.get("EXCHANGE_LIVE_PASSPHRASE", "")
    provider = ExchangeProvider(
        ProviderContext(
            name="live",
            environment=ProviderEnvironment.LIVE,
            settings={"exchange": name, "networks": {coin: network}},
            credentials={"api_key": Secret(key), "api_secret": Secret(secret), "api_passphrase": Secret(passphrase)},
            assets={coin: EXPONENT},
            fees=FeeSchedule(fixed_minor={coin: 10**15}),
            http=HttpClient(),
        )
    )
    amount = Money(amount_minor=10**3 * 10**EXPONENT, asset=coin)
    try:
        found = {one.about: one for one in await provider.check()}
        quoted = await provider.quote(
            QuoteRequest(
                amount=amount,
                destination=Destination(kind="wallet", value="UQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAJKZ"),
                player_id="live-test",
                jurisdiction="DE",
            )
        )
        unheard_of = Reference(ref=AttemptRef(payout_id=ids.new_id(), attempt_no=1), amount=amount)
        seen = await provider.sync(unheard_of)
        month = Window(start=clock.now() - timedelta(days=30), end=clock.now())
        items = [item async for page in provider.statement(month) for item in page]
    finally:
        await provider.close()

    assert found["connection"].is_right
    assert found["credentials"].is_right
    assert "access" not in found
    assert quoted.fee.amount_minor >= 0
    assert isinstance(seen, Absent | CannotTell)
    assert all(item.item_id and item.provider_status for item in items)
