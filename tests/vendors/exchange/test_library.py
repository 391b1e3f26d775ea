"""What ccxt does to help a trader and what would lose a payout: each of it is shut, and shown to be."""

import importlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import ccxt
import pytest

from rewardrails import ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import Accepted, Rejected
from rewardrails.errors import ConfigInvalid, ErrorCode
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.exchange.figures import EXCHANGES
from rewardrails.providers.exchange.library import Ask, Library, Unreadable
from rewardrails.providers.exchange.mapping import client_id
from rewardrails.providers.exchange.provider import ExchangeProvider
from rewardrails.secrets import Secret
from tests.vendors.exchange.account import context_at
from tests.vendors.exchange.book import KIND, ExchangeDouble
from tests.vendors.exchange.doubles import DOUBLES

pytestmark = [pytest.mark.promise("G1", "G4")]
WALLET = "UQCanary2718281828459045235360287471352662497757"
BASE = "http://127.0.0.1:9"
KEYS = {"apiKey": Secret("k"), "secret": Secret("s"), "password": Secret("p")}
FORM = "application/x-www-form-urlencoded"


def library(exchange: str, coins: tuple[str, ...] = ("TON",), **changes: Any) -> Library:
    row = replace(EXCHANGES[exchange], **changes)
    return Library(exchange, row, provider="coins", base_url=BASE, credentials=KEYS, coins=coins)


def withdrawing(exchange: str, *, amount: str = "5.1", **more: object) -> Ask:
    wording = EXCHANGES[exchange].withdrawing
    params = {**wording.given, wording.network: "TON", wording.client_id: "ours", **more}
    return Ask(method="withdraw", arguments=("TON", amount, WALLET), params=params)


def wanted(exchange: str, *, amount: str = "5.1") -> dict[str, str]:
    wording = EXCHANGES[exchange].withdrawing
    return {
        **{name: str(value) for name, value in wording.fixed.items()},
        wording.coin: "TON",
        wording.chain: "TON",
        wording.address: WALLET,
        wording.amount: amount,
        wording.client_id: "ours",
    }


def said(body: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(body))
    except ValueError:
        return dict(parse_qsl(body.decode(), strict_parsing=True))


@pytest.fixture(params=DOUBLES)
async def at(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, ExchangeDouble, ExchangeProvider]]:
    async with DOUBLES[request.param]() as double:
        provider = ExchangeProvider(context_at(request.param, double))
        yield request.param, double, provider
        await provider.close()


def order(*, memo: str = "", value: str = WALLET, amount_minor: int = 5_100_000_001, asset: str = "TON") -> Order:
    return Order(
        ref=AttemptRef(payout_id=ids.new_id(), attempt_no=1),
        amount=Money(amount_minor=amount_minor, asset=asset),
        destination=Destination(kind=KIND, value=value, memo=memo),
        player_id="p",
        campaign="c",
        jurisdiction="DE",
        fee_ceiling=Money(amount_minor=50_000_000, asset=asset),
    )


@pytest.mark.parametrize("memo", ["", "0", "9061524", "a-b_c.d"])
async def test_a_memo_goes_along_and_ton_needs_none(
    at: tuple[str, ExchangeDouble, ExchangeProvider], memo: str
) -> None:
    """Its release 4.5.87 dropped the positional tag, and refuses TON without one."""
    _, double, provider = at

    assert isinstance(await provider.create_payout(order(memo=memo)), Accepted)

    assert [(one.address, one.tag) for one in double.taken] == [(WALLET, memo)]


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("memo", ["1&amount=900", "1&address=UQEvil", "a b", "x=y", "a:b", "é", "1%26amount=9", "\n"])
async def test_a_memo_cannot_say_more_than_a_memo(exchange: str, memo: str) -> None:
    double = DOUBLES.get(exchange, DOUBLES["binance"])()
    double.url = BASE
    provider = ExchangeProvider(context_at(exchange, double))

    outcome = await provider.create_payout(order(memo=memo))
    await provider.close()

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable) == (ErrorCode.DESTINATION_INVALID, False)


def test_a_memo_that_slipped_through_changes_the_body_and_is_caught() -> None:
    """Binance's withdrawal is joined without escapes."""
    ask = withdrawing("binance", tag="1&amount=900")
    right = wanted("binance") | {"addressTag": "1&amount=900"}

    with pytest.raises(Unreadable, match="twice"):
        library("binance").withdrawal(ask, EXCHANGES["binance"].withdrawing, right)
    with pytest.raises(Unreadable, match="not say what was ordered"):
        library("binance").withdrawal(
            withdrawing("binance", tag="1&x=2"),
            EXCHANGES["binance"].withdrawing,
            wanted("binance") | {"addressTag": "1&x=2"},
        )


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_what_leaves_says_what_was_ordered(exchange: str) -> None:
    wording = EXCHANGES[exchange].withdrawing
    signed = library(exchange).withdrawal(withdrawing(exchange), wording, wanted(exchange))

    assert (signed.method, signed.url) == ("POST", BASE + wording.path)
    assert signed.body is not None
    assert said(signed.body)[wording.amount] == "5.1"
    assert said(signed.body).keys() - wording.proof == wanted(exchange).keys()


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("field", ["coin", "chain", "address", "amount", "client_id"])
def test_a_body_that_says_anything_else_never_leaves(exchange: str, field: str) -> None:
    wording = EXCHANGES[exchange].withdrawing
    other = wanted(exchange) | {getattr(wording, field): "7"}

    with pytest.raises(Unreadable, match="ordered"):
        library(exchange).withdrawal(withdrawing(exchange), wording, other)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_field_more_or_less_never_leaves(exchange: str) -> None:
    """Names that it makes up, fees that it knows, marks of brokers."""
    wording = EXCHANGES[exchange].withdrawing
    for ask in (withdrawing(exchange, fee="0.1", more="x"), withdrawing(exchange, tag="5")):
        with pytest.raises(Unreadable, match="ordered"):
            library(exchange).withdrawal(ask, wording, wanted(exchange))
    unnamed = {name: value for name, value in withdrawing(exchange).params.items() if name != wording.client_id}
    with pytest.raises(Unreadable, match="ordered"):
        library(exchange).withdrawal(replace(withdrawing(exchange), params=unnamed), wording, wanted(exchange))


def test_it_rounds_no_amount() -> None:
    """With a precision it would send 5.10000001 for 5.100000009, a tenth more than nothing."""
    wording, fine = EXCHANGES["binance"].withdrawing, "5.100000009"
    plain = library("binance")
    assert plain.withdrawal(withdrawing("binance", amount=fine), wording, wanted("binance", amount=fine))

    plain._exchange.currencies["TON"]["precision"] = "0.00000001"
    with pytest.raises(Unreadable, match="ordered"):
        plain.withdrawal(withdrawing("binance", amount=fine), wording, wanted("binance", amount=fine))


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_it_loads_no_lists_of_its_own_accord(exchange: str) -> None:
    """Without markets it would fetch them first; that is neither sent nor taken for the withdrawal."""
    lazy = library(exchange)
    lazy._exchange.markets = None

    with pytest.raises(Unreadable):
        lazy.withdrawal(withdrawing(exchange), EXCHANGES[exchange].withdrawing, wanted(exchange))
    with pytest.raises(Unreadable):
        lazy.read(withdrawing(exchange), {})


def test_bybit_is_not_asked_what_kind_of_account_it_is_first() -> None:
    with pytest.raises(Unreadable):
        library("bybit", options={}).withdrawal(withdrawing("bybit"), EXCHANGES["bybit"].withdrawing, wanted("bybit"))


def test_binance_is_not_asked_for_the_pairs_of_its_margin_market() -> None:
    with pytest.raises(Unreadable, match="once more"):
        library("binance", options={}).read(Ask(method="fetch_currencies"), [])


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_it_tries_nothing_again_and_waits_for_nothing(exchange: str) -> None:
    eager = library(exchange, options={**EXCHANGES[exchange].options, "maxRetriesOnFailure": 3})
    tried = []

    def fail(*_: object, **__: object) -> None:
        tried.append(1)
        raise ccxt.NetworkError("try me again")

    eager._exchange.throttle = lambda *_: pytest.fail("it waits for its rate limiter")
    with pytest.raises(Unreadable, match="NetworkError"):
        eager._call(withdrawing(exchange), fail)

    assert len(tried) == 1


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_it_goes_nowhere_else(exchange: str) -> None:
    """Its own addresses, those of its sandboxes included, are never written into a request."""
    straying = library(exchange)
    straying._exchange.set_sandbox_mode(True) if exchange != "okx" else straying._exchange.urls.update(
        api={"rest": "https://www.okx.com"}
    )

    with pytest.raises(Unreadable):
        straying.request(withdrawing(exchange))


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_no_broker_earns_by_it(exchange: str) -> None:
    signed = library(exchange).request(withdrawing(exchange))

    told = " ".join([*(value.reveal() for value in signed.headers.values()), (signed.body or b"").decode()])
    assert not [mark for mark in ("CCXT", "6b9ad766b55dBCDE", "x-TKT5PX2F") if mark in told]


def test_numbers_stay_text_from_the_wire_to_the_books() -> None:
    """An amount that no float holds."""
    answer = {"id": "1", "coin": "TON", "amount": "0.123456789012345678", "transactionFee": "0.02", "status": "6"}
    entries = [answer | {"applyTime": "2026-01-02 03:04:05", "network": "TON"}]
    read = library("binance").read(Ask(method="fetch_withdrawals", arguments=(None, None, 9)), entries)

    assert Decimal(read[0]["amount"]) == Decimal("0.123456789012345678")
    assert not [value for value in read[0].values() if isinstance(value, float)]


def test_names_are_ours_short_and_never_shared() -> None:
    keys = [AttemptRef(payout_id=ids.new_id(), attempt_no=1 + number % 3).rail_key for number in range(300)]
    names = {client_id(key) for key in keys}

    assert len(names) == len(keys)
    assert all(len(name) == 32 and name.isalnum() for name in names)
    assert client_id("00000000000070008000000000000000-1") == "ff41314b909e5750867e14d9563744a0"


async def test_without_the_library_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    double = DOUBLES["binance"]()
    double.url = BASE
    monkeypatch.setattr(importlib, "import_module", missing)

    with pytest.raises(ConfigInvalid, match=r"pip install 'rewardrails\[exchange\]'"):
        ExchangeProvider(context_at("binance", double))


def test_it_is_loaded_only_where_an_exchange_is_configured() -> None:
    code = "import sys, rewardrails.providers.registry; sys.exit('ccxt' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exchange": "mtgox"}, "not an exchange that was tried"),
        ({"networks": {}}, "needs networks"),
        ({"networks": {"BTC": "BTC"}}, "no asset is called BTC"),
        ({"networks": {"TON": ""}}, "needs networks"),
        ({"needs_memo": ["strange"]}, "no kind of destination"),
        ({"base_url": ""}, "has no sandbox"),
    ],
)
def test_an_account_that_cannot_be_meant_stops_the_start(changes: dict[str, Any], words: str) -> None:
    double = DOUBLES["binance"]()
    double.url = BASE

    context = context_at("binance", double)
    with pytest.raises(ConfigInvalid, match=words):
        ExchangeProvider(replace(context, settings={**context.settings, **changes}))


def test_live_money_goes_to_the_exchange_itself() -> None:
    double = DOUBLES["binance"]()
    for exchange, row in EXCHANGES.items():
        context = context_at(exchange, double)
        live = replace(context, environment=ProviderEnvironment.LIVE, settings={**context.settings, "base_url": ""})
        assert ExchangeProvider(live)._client.base_url == row.address
