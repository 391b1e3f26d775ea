"""A Binance of our own, written from its documents: signed requests, fees taken out of what is asked for, and its history.

https://developers.binance.com/docs/wallet/capital/withdraw and https://developers.binance.com/docs/wallet/capital/withdraw-history
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal, InvalidOperation
from typing import ClassVar
from urllib.parse import parse_qsl

from aiohttp import web

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from tests.vendors.exchange.book import API_KEY, API_SECRET, EXPONENTS, ExchangeDouble, Taken, Wanted, text

DAY = 86_400_000
REFUSALS = {
    "strange": (-9917, "The moon is in the wrong house."),
    "not_listed": (-4035, "This address is not on the whitelist. Please join and try again."),
    "poor": (-4026, "You have insufficient balance."),
    "small": (-4028, "The amount of withdrawal must be greater than the Commission."),
    "fine": (-4021, "Asset withdrawal must be an integer multiple."),
    "chain": (-4019, "Current asset is not open for withdrawal."),
    "suspended": (-4019, "Current asset is not open for withdrawal."),
    "address": (-4033, "Illegal address."),
}


class BinanceDouble(ExchangeDouble):
    """Its spot wallet."""

    PATH = "/sapi/v1/capital/withdraw/apply"
    fee_inside = True
    TRUTHS: ClassVar[Mapping[ObservedStatus, str]] = {
        ObservedStatus.PENDING: "4",
        ObservedStatus.PAID: "6",
        ObservedStatus.FAILED: "5",
        ObservedStatus.CANCELED: "1",
        ObservedStatus.RETURNED: "5",
        ObservedStatus.UNKNOWN: "77",
    }

    def route(self, router: web.UrlDispatcher) -> None:
        router.add_post(self.PATH, self._withdraw)
        router.add_get("/sapi/v1/capital/withdraw/history", self._history)
        router.add_get("/sapi/v1/capital/config/getall", self._coins)
        router.add_get("/sapi/v1/account/apiRestrictions", self._rights)
        router.add_get("/api/v3/account", self._account)

    async def refused_at_the_door(self, request: web.Request) -> web.Response | None:
        if request.headers.get("X-MBX-APIKEY") != API_KEY or self.comes_from_elsewhere:
            return _error(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        said = (await request.read()).decode() if request.method == "POST" else ""
        said = said or request.rel_url.raw_query_string
        query, _, signature = said.rpartition("&signature=")
        expected = hmac.new(API_SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, expected):
            return _error(-1022, "Signature for this request is not valid.")
        fields = dict(parse_qsl(query))
        now = clock.now().timestamp() * 1000
        if not -1000 < now - int(fields.get("timestamp", "0")) <= int(fields.get("recvWindow", "5000")):
            return _error(-1021, "Timestamp for this request is outside of the recvWindow.")
        return None

    def refusal(self, why: str) -> web.Response:
        return _error(*REFUSALS[why])

    def accepted(self, taken: Taken) -> web.Response:
        return web.json_response({"id": taken.id})

    async def _withdraw(self, request: web.Request) -> web.Response:
        said = (await request.read()).decode() or request.rel_url.raw_query_string
        fields = dict(parse_qsl(said, strict_parsing=True))
        if not self.may_withdraw:
            return _error(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        try:
            amount = Decimal(fields["amount"])
        except (KeyError, InvalidOperation):
            return _error(-1102, "Mandatory parameter 'amount' was not sent, was empty/null, or malformed.")
        wanted = Wanted(
            name=fields.get("withdrawOrderId", ""),
            coin=fields.get("coin", ""),
            chain=fields.get("network", "TON"),
            address=fields.get("address", ""),
            tag=fields.get("addressTag", ""),
            amount=amount,
        )
        return await self.take(request, wanted)

    async def _history(self, request: web.Request) -> web.Response:
        asked = request.query
        now = round(clock.now().timestamp() * 1000)
        named = "withdrawOrderId" in asked
        days = 7 if named else 90
        end = int(asked.get("endTime", now))
        start = int(asked.get("startTime", end - days * DAY))
        if end - start > days * DAY:
            return _error(-4047, f"Time interval must be within 0-{days} days")
        ids = set(asked["idList"].split(",")) if "idList" in asked else None
        found = [
            one
            for one in reversed(self.taken)
            if start <= one.at <= end
            and (not named or not self.knows_names or one.name == asked["withdrawOrderId"])
            and (ids is None or one.id in ids)
            and asked.get("coin", one.coin) == one.coin
        ]
        most = min(int(asked.get("limit", "1000")), self.page or 1000)
        return web.json_response([_entry(one) for one in found[:most]])

    async def _coins(self, _: web.Request) -> web.Response:
        return web.json_response([self._coin(coin) for coin in EXPONENTS])

    def _coin(self, coin: str) -> dict[str, object]:
        ton = {
            "network": "TON",
            "coin": coin,
            "withdrawIntegerMultiple": text(Decimal(1).scaleb(-EXPONENTS[coin])),
            "isDefault": True,
            "depositEnable": True,
            "withdrawEnable": self.open[coin],
            "depositDesc": "",
            "withdrawDesc": "",
            "name": "The Open Network",
            "withdrawFee": text(self.fees[coin]),
            "withdrawMin": text(Decimal(1).scaleb(-EXPONENTS[coin])),
            "withdrawMax": "9000000000000000",
            "minConfirm": 1,
            "unLockConfirm": 0,
            "withdrawTag": False,
            "busy": False,
        }
        elsewhere = ton | {"network": "ETH", "isDefault": False, "withdrawFee": "7.5", "name": "Ethereum (ERC20)"}
        return {
            "coin": coin,
            "depositAllEnable": True,
            "withdrawAllEnable": self.open[coin],
            "name": coin,
            "free": text(self.free[coin]),
            "locked": "0",
            "freeze": "0",
            "isLegalMoney": False,
            "trading": True,
            "networkList": [elsewhere, ton],
        }

    async def _rights(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "ipRestrict": bool(self.bound_to),
                "createTime": 1698645219000,
                "enableReading": True,
                "enableWithdrawals": self.may_withdraw,
                "enableInternalTransfer": False,
                "enableSpotAndMarginTrading": False,
            }
        )

    async def _account(self, _: web.Request) -> web.Response:
        balances = [{"asset": coin, "free": text(free), "locked": "0.1"} for coin, free in self.free.items()]
        return web.json_response({"canWithdraw": True, "accountType": "SPOT", "updateTime": 1, "balances": balances})


def _entry(taken: Taken) -> dict[str, object]:
    at = taken.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    named = {"withdrawOrderId": taken.name} if taken.name else {}
    return {
        "id": taken.id,
        "amount": text(taken.amount),
        "transactionFee": text(taken.fee),
        "coin": taken.coin,
        "status": int(taken.status),
        "address": taken.address,
        "addressTag": taken.tag,
        "txId": f"tx{taken.number}" if taken.status == "6" else "",
        "applyTime": at,
        "network": taken.chain,
        "transferType": 0,
        "confirmNo": 3,
        "walletType": 0,
        "info": "",
        **named,
    }


def _error(code: int, message: str, status: int = 400) -> web.Response:
    return web.json_response({"code": code, "msg": message}, status=status)
