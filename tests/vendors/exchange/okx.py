"""An OKX of our own, written from its documents: errors under HTTP 200, fees on top, addresses and tags joined by a colon.

https://www.okx.com/docs-v5/en/#funding-account-rest-api-withdrawal
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import ClassVar

from aiohttp import web

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from tests.vendors.exchange.book import API_KEY, API_SECRET, EXPONENTS, PASSPHRASE, ExchangeDouble, Taken, Wanted, text

REFUSALS = {
    "strange": ("59917", "The moon is in the wrong house."),
    "not_listed": ("58207", "Withdrawal address is not on the verified address list."),
    "poor": ("58350", "Insufficient balance"),
    "small": ("58206", "Withdrawal amount is lower than the lower limit"),
    "fine": ("58202", "The amount has too many digits"),
    "chain": ("58200", "Withdrawal from funding to this chain is unavailable for this currency"),
    "suspended": ("58204", "Withdrawal suspended"),
    "address": ("58222", "Illegal withdrawal address."),
}


class OkxDouble(ExchangeDouble):
    """Its funding account."""

    PATH = "/api/v5/asset/withdrawal"
    TRUTHS: ClassVar[Mapping[ObservedStatus, str]] = {
        ObservedStatus.PENDING: "1",
        ObservedStatus.PAID: "2",
        ObservedStatus.FAILED: "-1",
        ObservedStatus.CANCELED: "-2",
        ObservedStatus.RETURNED: "-1",
        ObservedStatus.UNKNOWN: "77",
    }

    def route(self, router: web.UrlDispatcher) -> None:
        router.add_post(self.PATH, self._withdraw)
        router.add_get("/api/v5/asset/withdrawal-history", self._history)
        router.add_get("/api/v5/asset/currencies", self._coins)
        router.add_get("/api/v5/asset/balances", self._balances)
        router.add_get("/api/v5/account/config", self._config)

    def chain_of(self, coin: str) -> str:
        return f"{coin}-TON"

    async def refused_at_the_door(self, request: web.Request) -> web.Response | None:
        if self.comes_from_elsewhere:
            return _error("50110", "Invalid IP", 401)
        said = request.headers
        if said.get("OK-ACCESS-KEY") != API_KEY:
            return _error("50111", "Invalid OK-ACCESS-KEY", 401)
        if said.get("OK-ACCESS-PASSPHRASE") != PASSPHRASE:
            return _error("50105", "Request header OK-ACCESS-PASSPHRASE incorrect.", 401)
        at = said.get("OK-ACCESS-TIMESTAMP", "")
        body = (await request.read()).decode()
        message = f"{at}{request.method}{request.rel_url.raw_path_qs}{body}"
        expected = base64.b64encode(hmac.new(API_SECRET.encode(), message.encode(), hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(said.get("OK-ACCESS-SIGN", ""), expected):
            return _error("50113", "Invalid Sign", 401)
        if abs((clock.now() - datetime.fromisoformat(at)).total_seconds()) > 30:
            return _error("50102", "Timestamp request expired", 401)
        return None

    def refusal(self, why: str) -> web.Response:
        return _error(*REFUSALS[why])

    def accepted(self, taken: Taken) -> web.Response:
        said = {"amt": text(taken.amount), "wdId": taken.id, "ccy": taken.coin, "clientId": taken.name}
        return _answer([said | {"chain": taken.chain}])

    async def _withdraw(self, request: web.Request) -> web.Response:
        fields = json.loads(await request.read())
        if not self.may_withdraw:
            return _error("50120", "This API key doesn't have permission to use this function", 401)
        if fields.get("dest") != "4" or not isinstance(fields.get("amt"), str):
            return _error("50014", "Parameter dest can not be empty")
        address, _, tag = fields.get("toAddr", "").partition(":")
        try:
            amount = Decimal(fields["amt"])
        except InvalidOperation:
            return _error("50014", "Parameter amt can not be empty")
        wanted = Wanted(
            name=fields.get("clientId", ""),
            coin=fields.get("ccy", ""),
            chain=fields.get("chain", "") or self.chain_of(fields.get("ccy", "")),
            address=address,
            tag=tag,
            amount=amount,
        )
        return await self.take(request, wanted)

    async def _history(self, request: web.Request) -> web.Response:
        asked = request.query
        named = {"ccy": "coin", "wdId": "id", "state": "status"} | ({"clientId": "name"} if self.knows_names else {})
        found = [
            one
            for one in reversed(self.taken)
            if all(asked.get(theirs) in {None, "", str(getattr(one, ours))} for theirs, ours in named.items())
            and ("after" not in asked or one.at < int(asked["after"]))
            and ("before" not in asked or one.at > int(asked["before"]))
        ]
        most = min(int(asked.get("limit", "100")), self.page or 100)
        return _answer([_entry(one) for one in found[:most]])

    async def _coins(self, request: web.Request) -> web.Response:
        wanted = request.query.get("ccy")
        coins = [coin for coin in EXPONENTS if not wanted or coin in wanted.split(",")]
        return _answer([chain for coin in coins for chain in self._chains(coin)])

    def _chains(self, coin: str) -> list[dict[str, object]]:
        ton = {
            "ccy": coin,
            "name": coin,
            "chain": self.chain_of(coin),
            "canDep": True,
            "canWd": self.open[coin],
            "canInternal": True,
            "fee": text(self.fees[coin]),
            "minFee": text(self.fees[coin]),
            "maxFee": text(self.fees[coin]),
            "burningFeeRate": "",
            "minWd": text(Decimal(1).scaleb(-EXPONENTS[coin])),
            "maxWd": "9000000000000000",
            "wdTickSz": str(EXPONENTS[coin]),
            "mainNet": True,
            "needTag": False,
        }
        return [ton | {"chain": f"{coin}-ERC20", "fee": "7.5", "mainNet": False}, ton]

    async def _balances(self, _: web.Request) -> web.Response:
        held = [
            {"ccy": coin, "availBal": text(free), "bal": text(free), "frozenBal": "0"}
            for coin, free in self.free.items()
        ]
        return _answer(held)

    async def _config(self, _: web.Request) -> web.Response:
        perm = "read_only,withdraw" if self.may_withdraw else "read_only"
        return _answer(
            [{"uid": "44705892343619584", "acctLv": "2", "perm": perm, "ip": self.bound_to, "label": "rewards"}]
        )


def _entry(taken: Taken) -> dict[str, object]:
    return {
        "note": "",
        "chain": taken.chain,
        "fee": text(taken.fee),
        "feeCcy": taken.coin,
        "ccy": taken.coin,
        "clientId": taken.name,
        "toAddrType": "1",
        "amt": text(taken.amount),
        "txId": f"tx{taken.number}" if taken.status == "2" else "",
        "from": "",
        "areaFrom": "",
        "to": taken.address,
        "areaTo": "",
        "tag": taken.tag,
        "state": taken.status,
        "ts": str(taken.at),
        "nonTradableAsset": False,
        "wdId": taken.id,
    }


def _answer(data: list[dict[str, object]]) -> web.Response:
    return web.json_response({"code": "0", "msg": "", "data": data})


def _error(code: str, message: str, status: int = 200) -> web.Response:
    return web.json_response({"code": code, "msg": message, "data": []}, status=status)
