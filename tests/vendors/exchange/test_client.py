"""The exchanges' own clients understand our doubles, so the doubles are not merely our own misunderstanding."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import okx.Account
import okx.Funding
import pytest
from binance.error import ClientError
from binance.spot import Spot
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP

from rewardrails.domain.observation import ObservedStatus
from rewardrails.providers.exchange.figures import EXCHANGES
from rewardrails.providers.exchange.mapping import client_id
from tests.vendors.exchange.binance import BinanceDouble
from tests.vendors.exchange.book import API_KEY, API_SECRET, PASSPHRASE
from tests.vendors.exchange.bybit import BybitDouble
from tests.vendors.exchange.okx import OkxDouble

# The client of OKX is older than the HTTP library that it uses.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
KEY = "00000000000070008000000000000000-1"
NAME = client_id(KEY)
WALLET = "UQCanary2718281828459045235360287471352662497757"
Call = Callable[..., Any]


async def on_a_thread(method: Call, *arguments: object, **named: object) -> Any:
    """The clients wait where they stand."""
    return await asyncio.to_thread(method, *arguments, **named)


@pytest.fixture
async def binance() -> AsyncIterator[tuple[Spot, BinanceDouble]]:
    async with BinanceDouble() as double:
        yield Spot(API_KEY, API_SECRET, base_url=double.url), double


@pytest.fixture
async def okx_at() -> AsyncIterator[tuple[okx.Funding.FundingAPI, OkxDouble]]:
    async with OkxDouble() as double:
        with okx.Funding.FundingAPI(API_KEY, API_SECRET, PASSPHRASE, flag="0", domain=double.url) as client:
            yield client, double


@pytest.fixture
async def bybit() -> AsyncIterator[tuple[HTTP, BybitDouble]]:
    async with BybitDouble() as double:
        client = HTTP(api_key=API_KEY, api_secret=API_SECRET, max_retries=1)
        client.endpoint = double.url
        yield client, double


async def test_binance_takes_its_fee_out_and_tells_what_arrived(binance: tuple[Spot, BinanceDouble]) -> None:
    client, double = binance
    named = {"withdrawOrderId": NAME, "network": "TON", "addressTag": "77", "walletType": 0}
    made = await on_a_thread(client.withdraw, "TON", "5.12", WALLET, **named)
    double.taken[0].status = double.TRUTHS[ObservedStatus.PAID]
    (found,) = await on_a_thread(client.withdraw_history, withdrawOrderId=NAME)
    (same,) = await on_a_thread(client.withdraw_history, idList=made["id"])
    coins = {one["coin"]: one for one in await on_a_thread(client.coin_info)}
    held = {one["asset"]: one["free"] for one in (await on_a_thread(client.account))["balances"]}

    assert (found["id"], found["withdrawOrderId"], found["addressTag"]) == (made["id"], NAME, "77")
    assert found == same
    assert Decimal(found["amount"]) + Decimal(found["transactionFee"]) == Decimal("5.12")
    assert str(found["status"]) == "6"
    assert {one["network"]: one["withdrawFee"] for one in coins["TON"]["networkList"]} == {"ETH": "7.5", "TON": "0.02"}
    assert Decimal(10) ** 12 - Decimal(held["TON"]) == Decimal("5.12")


async def test_binance_refuses_as_its_client_expects(binance: tuple[Spot, BinanceDouble]) -> None:
    client, double = binance
    double.address_book = set()
    with pytest.raises(ClientError) as unlisted:
        await on_a_thread(client.withdraw, "TON", "5", WALLET, network="TON")
    with pytest.raises(ClientError) as too_long:
        await on_a_thread(client.withdraw_history, withdrawOrderId=NAME, startTime=0, endTime=8 * 86_400_000)
    with pytest.raises(ClientError) as stranger:
        await on_a_thread(Spot("somebody", API_SECRET, base_url=double.url).account)

    assert (unlisted.value.status_code, unlisted.value.error_code) == (400, -4035)
    assert too_long.value.error_code == -4047
    assert (stranger.value.status_code, stranger.value.error_code) == (401, -2015)
    assert double.taken == []


async def test_binance_knows_what_the_key_may_do(binance: tuple[Spot, BinanceDouble]) -> None:
    client, _ = binance
    rights = await on_a_thread(client.api_key_permissions)

    assert (rights["enableWithdrawals"], rights["ipRestrict"]) == (True, True)


async def test_okx_charges_on_top_and_is_asked_by_our_name(okx_at: tuple[Any, OkxDouble]) -> None:
    client, double = okx_at
    made = await on_a_thread(client.withdrawal, "USDT", "5.12", "4", f"{WALLET}:77", chain="USDT-TON", clientId=NAME)
    found = await on_a_thread(client.get_withdrawal_history, clientId=NAME)
    coins = await on_a_thread(client.get_currencies, "USDT")
    held = await on_a_thread(client.get_balances, "USDT")

    assert [made["code"], found["code"], coins["code"], held["code"]] == ["0"] * 4
    (entry,) = found["data"]
    assert (entry["wdId"], entry["amt"], entry["clientId"]) == (made["data"][0]["wdId"], "5.12", NAME)
    assert (double.taken[0].address, double.taken[0].tag) == (WALLET, "77")
    assert {one["chain"]: one["fee"] for one in coins["data"]} == {"USDT-ERC20": "7.5", "USDT-TON": "0.15"}
    assert double.free["USDT"] == Decimal(10) ** 12 - Decimal("5.27")


async def test_okx_refuses_under_200_and_401(okx_at: tuple[Any, OkxDouble]) -> None:
    client, double = okx_at
    double.address_book = set()
    unlisted = await on_a_thread(client.withdrawal, "USDT", "5", "4", WALLET, chain="USDT-TON")
    with okx.Funding.FundingAPI(API_KEY, API_SECRET, "wrong", flag="0", domain=double.url) as stranger:
        unknown = await on_a_thread(stranger.get_balances)

    assert (unlisted["code"], unknown["code"], double.taken) == ("58207", "50105", [])


async def test_okx_knows_what_the_key_may_do(okx_at: tuple[Any, OkxDouble]) -> None:
    _, double = okx_at
    with okx.Account.AccountAPI(API_KEY, API_SECRET, PASSPHRASE, flag="0", domain=double.url) as client:
        told = await on_a_thread(client.get_account_config)

    assert told["data"][0]["perm"] == "read_only,withdraw"


async def test_bybit_is_asked_by_its_own_name_alone(bybit: tuple[HTTP, BybitDouble]) -> None:
    client, double = bybit
    stamp = {"timestamp": 1, "forceChain": 1, "accountType": "FUND", "feeType": 0}
    asked = {"coin": "TON", "chain": "TON", "address": WALLET, "tag": "77", "amount": "5.12", "requestId": NAME}
    made = await on_a_thread(client.withdraw, **asked, **stamp)
    found = await on_a_thread(client.get_withdrawal_records, withdrawID=made["result"]["id"], withdrawType=2)
    coins = await on_a_thread(client.get_coin_info, coin="TON")
    held = await on_a_thread(client.get_coins_balance, accountType="FUND")

    (entry,) = found["result"]["rows"]
    assert (entry["amount"], entry["withdrawFee"], entry["toAddress"], entry["tag"]) == ("5.12", "0.02", WALLET, "77")
    assert NAME not in str(entry)
    assert [one["chain"] for one in coins["result"]["rows"][0]["chains"]] == ["ETH", "TON"]
    assert {one["coin"] for one in held["result"]["balance"]} >= {"TON"}
    assert double.free["TON"] == Decimal(10) ** 12 - Decimal("5.14")


async def test_bybit_refuses_under_200(bybit: tuple[HTTP, BybitDouble]) -> None:
    client, double = bybit
    double.address_book = set()
    asked = {"coin": "TON", "chain": "TON", "address": WALLET, "amount": "5", "timestamp": 1, "accountType": "FUND"}
    with pytest.raises(InvalidRequestError) as unlisted:
        await on_a_thread(client.withdraw, **asked)
    stranger = HTTP(api_key="somebody", api_secret=API_SECRET, max_retries=1)
    stranger.endpoint = double.url
    with pytest.raises((InvalidRequestError, FailedRequestError)) as unknown:
        await on_a_thread(stranger.get_api_key_information)

    assert (unlisted.value.status_code, unknown.value.status_code, double.taken) == (131_093, 10003, [])


async def test_bybit_knows_what_the_key_may_do(bybit: tuple[HTTP, BybitDouble]) -> None:
    client, _ = bybit
    told = await on_a_thread(client.get_api_key_information)

    assert "Withdraw" in told["result"]["permissions"]["Wallet"]


@pytest.mark.parametrize("double", [BinanceDouble, OkxDouble, BybitDouble])
def test_what_a_double_says_of_a_withdrawal_is_in_the_exchange_s_table(double: Any) -> None:
    name = double.__name__.removesuffix("Double").lower()
    row = EXCHANGES[name]

    assert {status: row.statuses.get(double.TRUTHS[status]) for status in double.TRUTHS} == {
        **{status: status for status in (ObservedStatus.PENDING, ObservedStatus.PAID, ObservedStatus.CANCELED)},
        ObservedStatus.FAILED: ObservedStatus.FAILED,
        ObservedStatus.RETURNED: ObservedStatus.FAILED,
        ObservedStatus.UNKNOWN: None,
    }
