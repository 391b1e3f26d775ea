"""A Reloadly of our own: written from its documents, with a catalogue, a journal, identifiers that are used once, and faults.

https://docs.reloadly.com/gift-cards
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import web

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.testing.contract import Conduct, Creation

CLIENT_ID = "reloadly-client-canary-1618"
CLIENT_SECRET = "reloadly-secret-canary-5772"
AUDIENCE = "https://giftcards-sandbox.reloadly.com"
VERSION = "application/com.reloadly.giftcards-v1+json"
KIND = "gift_card"
RANGED, FIXED, SLEEPING = 27182818, 31415926, 14142135
TRUTHS: Mapping[ObservedStatus, str] = {
    ObservedStatus.PENDING: "PENDING",
    ObservedStatus.PAID: "SUCCESSFUL",
    ObservedStatus.FAILED: "FAILED",
    ObservedStatus.RETURNED: "REFUNDED",
    ObservedStatus.UNKNOWN: "ON_THE_MOON",
}


@dataclass
class Taken:
    """One order in the journal."""

    number: int
    body: dict[str, Any]
    status: str = "PENDING"
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def card(self) -> dict[str, str]:
        """What it bought."""
        return {"cardNumber": f"CARD-CANARY-{self.number:05d}", "pinCode": f"PIN-CANARY-{self.number:05d}"}


class ReloadlyDouble:
    """Satisfies `rewardrails.testing.contract.VendorDouble`; an async context manager that listens while it is open."""

    def __init__(self) -> None:
        self.url = ""
        self.taken: list[Taken] = []
        self.balance = Decimal(10) ** 20
        self.sells_at_once = False
        self.cards_are_late = False
        self.tokens_given = 0
        self.currency = "USD"
        self.first_page = 1
        self._tokens: set[str] = set()
        self._conduct: dict[str, Conduct] = {"": Conduct.ACCEPT}
        self._closing = asyncio.Event()
        app = web.Application(middlewares=[self._authorized])
        app.router.add_post("/oauth/token", self._token)
        app.router.add_get("/products/{id}", self._product)
        app.router.add_post("/orders", self._create)
        app.router.add_get("/orders/transactions/{id}/cards", self._cards)
        app.router.add_get("/reports/transactions", self._report)
        app.router.add_get("/accounts/balance", self._balance)
        self._runner = web.AppRunner(app, shutdown_timeout=1, access_log=None)  # it would name products, as theirs does

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        await self._runner.cleanup()

    def creates(self, method: str, url: str) -> bool:
        return method == "POST" and urlsplit(url).path == "/orders"

    async def behave(self, conduct: Conduct, *, rail_key: str = "") -> None:
        self._conduct[rail_key] = conduct

    async def journal(self, rail_key: str) -> Sequence[Creation]:
        return [
            Creation(
                amount=Money(amount_minor=int(one.body["unitPrice"].scaleb(2)), asset=self.currency),
                destination=Destination(kind=KIND, value=str(one.body["productId"])),
            )
            for one in self.taken
            if one.body["customIdentifier"] == rail_key
        ]

    async def move(self, rail_key: str, status: ObservedStatus) -> None:
        taken = next(one for one in reversed(self.taken) if one.body["customIdentifier"] == rail_key)
        taken.status = TRUTHS[status]

    async def advance(self, seconds: float) -> None:
        """Nothing at Reloadly depends on time that this double knows of."""

    def withdraw_tokens(self) -> None:
        """Have every token refused that was given so far."""
        self._tokens.clear()

    def products(self) -> dict[int, dict[str, Any]]:
        common = {"recipientCurrencyCode": self.currency, "senderCurrencyCode": "USD", "status": "ACTIVE"}
        ranged = {
            "denominationType": "RANGE",
            "minRecipientDenomination": Decimal("0.01"),
            "maxRecipientDenomination": Decimal(10) ** 18,
            "fixedRecipientDenominations": [],
        }
        fixed = {
            "denominationType": "FIXED",
            "minRecipientDenomination": None,
            "maxRecipientDenomination": None,
            "fixedRecipientDenominations": [Decimal("5.00"), Decimal("12.50"), Decimal("100.0")],
        }
        return {
            RANGED: {"productId": RANGED} | common | ranged,
            FIXED: {"productId": FIXED} | common | fixed,
            SLEEPING: {"productId": SLEEPING} | common | fixed | {"status": "INACTIVE"},
        }

    @web.middleware
    async def _authorized(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path != "/oauth/token":
            if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
                return _refusal(401, "TOKEN_EXPIRED", "The token is not valid")
            if request.headers.get("Accept") != VERSION:
                return _refusal(406, "NOT_ACCEPTABLE", "Name the version")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _token(self, request: web.Request) -> web.Response:
        wanted = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "grant_type": "client_credentials",
            "audience": AUDIENCE,
        }
        if await request.json() != wanted:
            return _refusal(401, "INVALID_CREDENTIALS", "Access Denied")
        self.tokens_given += 1
        token = f"token-canary-{self.tokens_given}"
        self._tokens.add(token)
        return _answer({"access_token": token, "scope": "", "expires_in": 86400, "token_type": "Bearer"}, 200)

    async def _product(self, request: web.Request) -> web.Response:
        found = self.products().get(int(request.match_info["id"]))
        return _answer(found, 200) if found else _refusal(404, "PRODUCT_NOT_FOUND", "Product not found")

    async def _create(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read(), parse_float=Decimal, parse_int=Decimal)
        key = body["customIdentifier"]
        if any(one.body["customIdentifier"] == key for one in self.taken):
            return _refusal(400, "CUSTOM_IDENTIFIER_ALREADY_USED", "The custom identifier was used before")
        product = self.products().get(int(body["productId"]))
        if product is None or body["quantity"] != 1 or not body["senderName"]:
            return _refusal(400, "INVALID_ORDER", "The order cannot be taken")
        conduct = self._conduct.get(key, self._conduct[""])
        match conduct:
            case Conduct.REFUSE:
                return _refusal(400, "INSUFFICIENT_BALANCE", "The balance is too low")
            case Conduct.REFUSE_STRANGELY:
                return _refusal(400, "MERCURY_IN_RETROGRADE", "Not today")
        if body["unitPrice"] > self.balance:
            return _refusal(400, "INSUFFICIENT_BALANCE", "The balance is too low")
        self.balance -= body["unitPrice"]
        taken = Taken(number=len(self.taken) + 1, body=body, status="SUCCESSFUL" if self.sells_at_once else "PENDING")
        self.taken.append(taken)
        if conduct is Conduct.LOSE_REPLY and request.transport is not None:
            request.transport.abort()
        if conduct is Conduct.ANSWER_LATE:
            await self._closing.wait()
        return _answer(self._transaction(taken), 200)

    async def _cards(self, request: web.Request) -> web.Response:
        found = [one for one in self.taken if str(one.number) == request.match_info["id"]]
        if not found or found[0].status != "SUCCESSFUL" or self.cards_are_late:
            return _refusal(404, "TRANSACTION_NOT_FOUND", "There are no cards")
        return _answer([found[0].card], 200)

    async def _report(self, request: web.Request) -> web.Response:
        wanted = request.query.get("customIdentifier")
        found = [one for one in reversed(self.taken) if wanted is None or one.body["customIdentifier"] == wanted]
        for name, holds in (("startDate", 1), ("endDate", -1)):
            if text := request.query.get(name):
                at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
                at += timedelta(seconds=0 if holds > 0 else 1)
                found = [one for one in found if (one.created_at - at).total_seconds() * holds >= 0]
        size = int(request.query.get("size", "50"))
        number = max(int(request.query.get("page", str(self.first_page))) - self.first_page, 0)
        page = found[number * size : (number + 1) * size]
        last = (number + 1) * size >= len(found)
        content = [self._transaction(one) for one in page]
        return _answer({"content": content, "number": number, "last": last, "totalElements": len(found)}, 200)

    async def _balance(self, _: web.Request) -> web.Response:
        return _answer({"balance": self.balance, "currencyCode": self.currency, "currencyName": "US Dollar"}, 200)

    def _transaction(self, taken: Taken) -> dict[str, Any]:
        price = taken.body["unitPrice"]
        return {
            "transactionId": taken.number,
            "amount": price + Decimal("0.50"),
            "discount": Decimal("0.00"),
            "currencyCode": "USD",
            "fee": Decimal("0.50"),
            "smsFee": Decimal("0.00"),
            "recipientEmail": None,
            "recipientPhone": None,
            "customIdentifier": taken.body["customIdentifier"],
            "status": taken.status,
            "transactionCreatedTime": taken.created_at.strftime("%Y-%m-%d %H:%M:%S"),
            "product": {
                "productId": taken.body["productId"],
                "productName": "A card",
                "countryCode": "US",
                "quantity": taken.body["quantity"],
                "unitPrice": price,
                "totalPrice": price,
                "currencyCode": self.currency,
            },
        }


def _refusal(status: int, code: str, message: str) -> web.Response:
    return _answer({"timeStamp": "2026-01-01 00:00:00", "message": message, "path": "/", "errorCode": code}, status)


def _answer(value: object, status: int) -> web.Response:
    return web.Response(body=_json(value), status=status, content_type="application/json")


def _json(value: object) -> bytes:
    """JSON whose numbers are the decimals they were."""
    match value:
        case Decimal():
            return format(value, "f").encode()
        case dict():
            return b"{" + b",".join(json.dumps(name).encode() + b":" + _json(one) for name, one in value.items()) + b"}"
        case list() | tuple():
            return b"[" + b",".join(map(_json, value)) + b"]"
        case _:
            return json.dumps(value).encode()
