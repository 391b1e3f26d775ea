"""A Bybit of our own, written from its documents: errors under HTTP 200, and a list that does not know our names.

https://bybit-exchange.github.io/docs/v5/asset/withdraw and https://bybit-exchange.github.io/docs/v5/asset/withdraw/withdraw-record
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import ClassVar

from aiohttp import web

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from tests.vendors.exchange.book import API_KEY, API_SECRET, EXPONENTS, ExchangeDouble, Taken, Wanted, text

DAY = 86_400_000
REFUSALS = {
    "strange": (991_700, "The moon is in the wrong house."),
    "not_listed": (131_093, "The withdrawal address is not in the whitelist"),
    "poor": (131_001, "the available balance is not sufficient to cover the handling fee"),
    "small": (131_096, "Withdraw amount does not satisfy the lower limit or upper limit"),
    "fine": (131_096, "Withdraw amount does not satisfy the lower limit or upper limit"),
    "chain": (131_002, "Parameter error"),
    "suspended": (131_097, "Withdrawal of this currency has been closed"),
    "address": (131_002, "Parameter error"),
}


class BybitDouble(ExchangeDouble):
    """Its funding wallet."""

    PATH = "/v5/asset/withdraw/create"
    TRUTHS: ClassVar[Mapping[ObservedStatus, str]] = {
        ObservedStatus.PENDING: "Pending",
        ObservedStatus.PAID: "success",
        ObservedStatus.FAILED: "Fail",
        ObservedStatus.CANCELED: "CancelByUser",
        ObservedStatus.RETURNED: "Fail",
        ObservedStatus.UNKNOWN: "OnTheMoon",
    }

    def route(self, router: web.UrlDispatcher) -> None:
        router.add_post(self.PATH, self._withdraw)
        router.add_get("/v5/asset/withdraw/query-record", self._records)
        router.add_get("/v5/asset/coin/query-info", self._coins)
        router.add_get("/v5/asset/transfer/query-account-coins-balance", self._balances)
        router.add_get("/v5/user/query-api", self._rights)

    async def refused_at_the_door(self, request: web.Request) -> web.Response | None:
        if self.comes_from_elsewhere:
            return _error(10010, "Unmatched IP, please check your API key's bound IP addresses.")
        said = request.headers
        if said.get("X-BAPI-API-KEY") != API_KEY:
            return _error(10003, "API key is invalid.")
        at, span = said.get("X-BAPI-TIMESTAMP", "0"), said.get("X-BAPI-RECV-WINDOW", "5000")
        payload = (await request.read()).decode() if request.method == "POST" else request.rel_url.raw_query_string
        expected = hmac.new(API_SECRET.encode(), f"{at}{API_KEY}{span}{payload}".encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(said.get("X-BAPI-SIGN", ""), expected):
            return _error(10004, "error sign! please check your signature generation algorithm.")
        if not -1000 < _now() - int(at) <= int(span):
            return _error(10002, "invalid request, please check your server timestamp or recv_window param.")
        return None

    def refusal(self, why: str) -> web.Response:
        return _error(*REFUSALS[why])

    def accepted(self, taken: Taken) -> web.Response:
        return _answer({"id": taken.id})

    async def _withdraw(self, request: web.Request) -> web.Response:
        fields = json.loads(await request.read())
        if not self.may_withdraw:
            return _error(10005, "Permission denied, please check your API key permissions.")
        if fields.get("accountType") != "FUND" or not isinstance(fields.get("timestamp"), int):
            return _error(131_002, "Parameter error")
        try:
            amount = Decimal(fields["amount"] if isinstance(fields.get("amount"), str) else "x")
        except InvalidOperation:
            return _error(131_002, "Parameter error")
        wanted = Wanted(
            name=fields.get("requestId", ""),
            coin=fields.get("coin", ""),
            chain=fields.get("chain", ""),
            address=fields.get("address", ""),
            tag=fields.get("tag", ""),
            amount=amount,
        )
        return await self.take(request, wanted)

    async def _records(self, request: web.Request) -> web.Response:
        asked = request.query
        end = int(asked.get("endTime", _now()))
        start = int(asked.get("startTime", end - 30 * DAY))
        if end - start > 30 * DAY:
            return _error(131_002, "the time span is longer than 30 days")
        found = [
            one
            for one in reversed(self.taken)
            if asked.get("withdrawID") in {None, one.id}
            and asked.get("coin") in {None, one.coin}
            and start <= one.at <= end
        ]
        first = int(asked.get("cursor") or 0)
        most = min(int(asked.get("limit", "50")), self.page or 50)
        more = str(first + most) if len(found) > first + most else ""
        return _answer({"rows": [_entry(one) for one in found[first : first + most]], "nextPageCursor": more})

    async def _coins(self, request: web.Request) -> web.Response:
        wanted = request.query.get("coin")
        rows = [
            {"name": coin, "coin": coin, "remainAmount": "150", "chains": self._chains(coin)}
            for coin in EXPONENTS
            if wanted in {None, coin}
        ]
        return _answer({"rows": rows})

    def _chains(self, coin: str) -> list[dict[str, str]]:
        ton = {
            "chain": "TON",
            "chainType": "TON",
            "confirmation": "1",
            "withdrawFee": text(self.fees[coin]),
            "depositMin": "0",
            "withdrawMin": text(Decimal(1).scaleb(-EXPONENTS[coin])),
            "chainDeposit": "1",
            "chainWithdraw": "1" if self.open[coin] else "0",
            "minAccuracy": str(EXPONENTS[coin]),
            "withdrawPercentageFee": "0",
            "contractAddress": "",
        }
        return [ton | {"chain": "ETH", "chainType": "Ethereum", "withdrawFee": "7.5"}, ton]

    async def _balances(self, request: web.Request) -> web.Response:
        held = [
            {"coin": coin, "walletBalance": text(free), "transferBalance": text(free), "bonus": ""}
            for coin, free in self.free.items()
        ]
        return _answer({"accountType": request.query["accountType"], "memberId": "533285", "balance": held})

    async def _rights(self, _: web.Request) -> web.Response:
        wallet = ["AccountTransfer", "SubMemberTransfer", *(["Withdraw"] if self.may_withdraw else [])]
        ips = [self.bound_to] if self.bound_to else ["*"]
        return _answer(
            {"id": "13770661", "note": "rewards", "readOnly": 0, "permissions": {"Wallet": wallet}, "ips": ips}
        )


def _now() -> int:
    return round(clock.now().timestamp() * 1000)


def _entry(taken: Taken) -> dict[str, object]:
    return {
        "coin": taken.coin,
        "chain": taken.chain,
        "amount": text(taken.amount),
        "txID": f"tx{taken.number}" if taken.status == "success" else "",
        "status": taken.status,
        "toAddress": taken.address,
        "tag": taken.tag,
        "withdrawFee": text(taken.fee),
        "createTime": str(taken.at),
        "updateTime": str(taken.at),
        "withdrawId": taken.id,
        "withdrawType": 0,
    }


def _answer(result: dict[str, object]) -> web.Response:
    return web.json_response({"retCode": 0, "retMsg": "success", "result": result, "retExtInfo": {}, "time": _now()})


def _error(code: int, message: str) -> web.Response:
    return web.json_response({"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": _now()})
