"""A Wise of our own: written from its documents, with a journal, lasting `customerTransactionId`s and faults at each step.

Wise offers no Python SDK that could judge it, so that it rests on the documents alone. Two things they leave open are
assumed here: a recipient with the same details is the same recipient, and the answer to a repeated transfer is the
first one as it stands, whatever else the repeat says.

https://docs.wise.com/api-reference
"""

import asyncio
import json
from base64 import b64encode
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.providers.wise.mapping import transaction_id
from rewardrails.testing.contract import Conduct, Creation, News, SignedBy

API_TOKEN = "TEST_wise-token-canary-7735"
PROFILE = 30_000_007
KIND = "iban"
KEY = rsa.generate_private_key(65537, 2048)
STRANGERS_KEY = rsa.generate_private_key(65537, 2048)
PUBLIC_KEY = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
CENT = Decimal("0.01")
QUOTES_LAST = timedelta(minutes=30)
UNFUNDED_LAST = timedelta(days=14)
WAITING = "incoming_payment_waiting"
CANCELABLE = frozenset({WAITING, "incoming_payment_initiated", "processing"})
TRUTHS: Mapping[ObservedStatus, str] = {
    ObservedStatus.PENDING: "funds_converted",
    ObservedStatus.PAID: "outgoing_payment_sent",
    ObservedStatus.FAILED: "funds_refunded",
    ObservedStatus.CANCELED: "cancelled",
    ObservedStatus.RETURNED: "bounced_back",
    ObservedStatus.UNKNOWN: "on_the_moon",
}
Handler = Callable[[web.Request], Awaitable[web.Response]]


class Step(StrEnum):
    """One of the four requests that make a payout."""

    QUOTE = "quote"
    RECIPIENT = "recipient"
    TRANSFER = "transfer"
    PAYMENT = "payment"


class Trouble(StrEnum):
    """What befalls the next request of a step."""

    NONE = "none"
    LOSE_REPLY = "lose_reply"
    LATE = "late"
    BROKEN_BEFORE = "broken_before"
    BROKEN_AFTER = "broken_after"
    REFUSE = "refuse"
    REFUSE_STRANGELY = "refuse_strangely"


@dataclass
class Made:
    """One transfer."""

    number: int
    body: dict[str, Any]
    quote: dict[str, Any]
    created: datetime
    status: str = WAITING
    paid_for: int = 0


class WiseDouble:
    """Satisfies `rewardrails.testing.contract.VendorDouble`; an async context manager that listens while it is open."""

    def __init__(self) -> None:
        self.url = ""
        self.transfers: list[Made] = []
        self.balance = Decimal(10) ** 22
        self.tells_true_balance = True
        self.tells_balance = True
        self.payment_answer: dict[str, Any] | None = None
        self.fee_share = 200
        self.rate = Decimal(1)
        self.quotes_last = QUOTES_LAST
        self.source_currency = "EUR"
        self.troubles: dict[Step, deque[Trouble]] = {step: deque() for step in Step}
        self.asked: Counter[Step] = Counter()
        self.silent = asyncio.Event()
        self._quotes: dict[str, dict[str, Any]] = {}
        self._recipients: list[dict[str, Any]] = []
        self._conduct: dict[str, Conduct] = {"": Conduct.ACCEPT}
        self._passed = timedelta(0)
        self._closing = asyncio.Event()
        app = web.Application(middlewares=[_authorized])
        app.router.add_post("/v3/profiles/{profile}/quotes", self._befall(Step.QUOTE, self._quote))
        app.router.add_get("/v3/profiles/{profile}/quotes/{id}", self._show_quote)
        app.router.add_post("/v1/accounts", self._befall(Step.RECIPIENT, self._recipient))
        app.router.add_post("/v1/transfers", self._befall(Step.TRANSFER, self._transfer))
        app.router.add_get("/v1/transfers", self._list)
        app.router.add_get("/v1/transfers/{id}", self._show)
        app.router.add_put("/v1/transfers/{id}/cancel", self._cancel)
        app.router.add_post("/v3/profiles/{profile}/transfers/{id}/payments", self._befall(Step.PAYMENT, self._pay))
        app.router.add_get("/v1/simulation/transfers/{id}/{status}", self._simulate)
        app.router.add_get("/v2/profiles/{profile}", self._profile)
        app.router.add_get("/v4/profiles/{profile}/balances", self._balances)
        self._runner = web.AppRunner(app, shutdown_timeout=1)

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
        return method == "POST" and urlsplit(url).path.endswith("/payments")

    async def behave(self, conduct: Conduct, *, rail_key: str = "") -> None:
        self._conduct[transaction_id(rail_key) if rail_key else ""] = conduct

    async def journal(self, rail_key: str) -> Sequence[Creation]:
        """Every payment made for this key's transfers."""
        return [_creation(self, one) for one in self.made(rail_key) for _ in range(one.paid_for)]

    def made(self, rail_key: str) -> list[Made]:
        """Every transfer under this key, paid for or not."""
        return [one for one in self.transfers if one.body["customerTransactionId"] == transaction_id(rail_key)]

    def recipient(self, number: int) -> dict[str, Any]:
        return self._recipients[number - 1]

    async def move(self, rail_key: str, status: ObservedStatus) -> None:
        self.made(rail_key)[-1].status = TRUTHS[status]

    async def advance(self, seconds: float) -> None:
        """Quotes end, and transfers that nobody pays for lapse."""
        self._passed += timedelta(seconds=seconds)
        for one in self.transfers:
            if one.status == WAITING and one.created + UNFUNDED_LAST < self.now():
                one.status = "cancelled"

    def now(self) -> datetime:
        return datetime.now(UTC) + self._passed

    def _befall(self, step: Step, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            self.asked[step] += 1
            trouble = self.troubles[step].popleft() if self.troubles[step] else Trouble.NONE
            match trouble:
                case Trouble.BROKEN_BEFORE:
                    return _answer({"message": "closed for lunch"}, 503)
                case Trouble.REFUSE:
                    return _refusal_at(step)
                case Trouble.REFUSE_STRANGELY:
                    return _answer({"oops": "I am a teapot"}, 418)
            answer = await handler(request)
            match trouble:
                case Trouble.BROKEN_AFTER:
                    return _answer({"message": "closed for lunch"}, 503)
                case Trouble.LOSE_REPLY if request.transport is not None:
                    request.transport.abort()
                case Trouble.LATE:
                    self.silent.set()
                    await self._closing.wait()
            return answer

        return handle

    async def _quote(self, request: web.Request) -> web.Response:
        body = await _read(request)
        target = body.get("targetAmount")
        if not isinstance(target, Decimal) or target <= 0:
            return _faults(("error.greaterThanZero", "targetAmount"))
        if body.get("targetCurrency") not in {"EUR", "GBP", "USD"}:
            return _faults(("NOT_VALID", "targetCurrency"))
        fee = (target / self.fee_share).quantize(CENT, ROUND_FLOOR)
        taken = (target / self.rate).quantize(CENT, ROUND_CEILING) + fee
        option = {"payOut": "BANK_TRANSFER", "targetAmount": target, "disabled": False}
        quote = {
            "id": str(uuid4()),
            "sourceCurrency": body["sourceCurrency"],
            "targetCurrency": body["targetCurrency"],
            "sourceAmount": None,
            "targetAmount": target,
            "rate": self.rate,
            "rateType": "FIXED",
            "expirationTime": (self.now() + self.quotes_last).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "paymentOptions": [
                option | {"payIn": "BANK_TRANSFER", "sourceAmount": taken + 1, "fee": {"total": fee + 1}},
                option | {"payIn": "BALANCE", "sourceAmount": taken, "fee": {"total": fee}},
            ],
        }
        self._quotes[quote["id"]] = quote
        return _answer(quote, 200)

    async def _show_quote(self, request: web.Request) -> web.Response:
        quote = self._quotes.get(request.match_info["id"])
        return _answer(quote, 200) if quote else _answer({"message": "not found"}, 404)

    async def _recipient(self, request: web.Request) -> web.Response:
        body = await _read(request)
        if len(body.get("accountHolderName", "").split()) < 2:
            return _faults(("NOT_VALID", "accountHolderName"))
        if body.get("type") == "iban" and len(body["details"].get("IBAN", "")) < 15:
            return _faults(("NOT_VALID", "details.IBAN"))
        if body not in self._recipients:
            self._recipients.append(body)
        number = self._recipients.index(body) + 1
        return _answer({"id": number, "active": True, **body}, 200)

    async def _transfer(self, request: web.Request) -> web.Response:
        body = await _read(request)
        try:
            UUID(body.get("customerTransactionId", ""))
        except ValueError:
            return _faults(("NOT_VALID", "customerTransactionId"))
        for one in self.transfers:
            if one.body["customerTransactionId"] == body["customerTransactionId"]:
                return _answer(_transfer(one), 200)
        quote = self._quotes.get(body.get("quoteUuid", ""))
        used = any(one.body["quoteUuid"] == body.get("quoteUuid") for one in self.transfers)
        if quote is None or used or datetime.fromisoformat(quote["expirationTime"]) < self.now():
            return _faults(("quote.not.valid", "quoteUuid"))
        if not 0 < int(body.get("targetAccount", 0)) <= len(self._recipients):
            return _faults(("NOT_VALID", "targetAccount"))
        made = Made(number=50_000_000 + len(self.transfers), body=body, quote=quote, created=self.now())
        self.transfers.append(made)
        return _answer(_transfer(made), 200)

    async def _list(self, request: web.Request) -> web.Response:
        start = datetime.fromisoformat(request.query.get("createdDateStart", "2000-01-01T00:00:00Z"))
        limit, offset = int(request.query.get("limit", "10")), int(request.query.get("offset", "0"))
        mine = request.query.get("profile") == str(PROFILE)
        end = datetime.fromisoformat(request.query.get("createdDateEnd", "2999-01-01T00:00:00Z"))
        found = [one for one in reversed(self.transfers) if mine and start <= one.created <= end]
        return _answer([_transfer(one) for one in found[offset : offset + limit]], 200)

    async def _show(self, request: web.Request) -> web.Response:
        made = self._by_number(request)
        return _answer(_transfer(made), 200) if made else _answer({"message": "not found"}, 404)

    async def _cancel(self, request: web.Request) -> web.Response:
        made = self._by_number(request)
        if made is None:
            return _answer({"message": "not found"}, 404)
        if made.status not in CANCELABLE:
            return _answer({"errors": [{"code": "transfer.cancellation.not.allowed", "message": "too late"}]}, 409)
        if made.paid_for:
            self.balance += _taken(made)
        made.status = "cancelled"
        return _answer(_transfer(made), 200)

    async def _pay(self, request: web.Request) -> web.Response:
        made = self._by_number(request)
        if made is None or (await _read(request)).get("type") != "BALANCE":
            return _answer({"errorCode": "transfer.not-found"}, 404)
        if made.status != WAITING:
            return _answer({"type": "BALANCE", "status": "REJECTED", "errorCode": "transfer.invalid-state"}, 422)
        conduct = self._conduct.get(made.body["customerTransactionId"], self._conduct[""])
        match conduct:
            case Conduct.REFUSE:
                return _rejected("transfer.insufficient_funds")
            case Conduct.REFUSE_STRANGELY:
                return _rejected("moon.in-the-way")
        if _taken(made) > self.balance:
            return _rejected("transfer.insufficient_funds")
        self.balance -= _taken(made)
        made.paid_for += 1
        made.status = "processing"
        if conduct is Conduct.LOSE_REPLY and request.transport is not None:
            request.transport.abort()
        if conduct is Conduct.ANSWER_LATE:
            await self._closing.wait()
        if self.payment_answer is not None:
            return _answer(self.payment_answer, 200)
        return _answer({"type": "BALANCE", "status": "COMPLETED", "errorCode": None}, 201)

    async def _simulate(self, request: web.Request) -> web.Response:
        made = self._by_number(request)
        if made is None:
            return _answer({"message": "not found"}, 404)
        made.status = request.match_info["status"]
        return _answer(_transfer(made), 200)

    async def _profile(self, request: web.Request) -> web.Response:
        if request.match_info["profile"] != str(PROFILE):
            return _answer({"message": "not found"}, 404)
        return _answer({"id": PROFILE, "type": "BUSINESS"}, 200)

    async def _balances(self, request: web.Request) -> web.Response:
        if request.match_info["profile"] != str(PROFILE):
            return _answer({"message": "not found"}, 404)
        if not self.tells_balance:
            return _answer({"message": "closed for lunch"}, 503)
        value = self.balance if self.tells_true_balance else Decimal(10) ** 22
        amount = {"value": value, "currency": self.source_currency}
        return _answer([{"id": 200_001, "type": "STANDARD", "currency": self.source_currency, "amount": amount}], 200)

    def _by_number(self, request: web.Request) -> Made | None:
        wanted = request.match_info["id"]
        return next((one for one in self.transfers if str(one.number) == wanted), None)


@dataclass
class WiseNotices:
    """Writes what Wise would."""

    profile: int = PROFILE
    extra: Mapping[str, str] = field(default_factory=dict)

    def write(self, news: News) -> bytes:
        name = news.provider_reference
        resource = {
            "type": "transfer",
            "id": int(name) if name.isdigit() else name,
            "profile_id": self.profile,
            "account_id": 1,
        }
        return json.dumps(
            {
                "data": {
                    "resource": resource,
                    "current_state": TRUTHS[news.status],
                    "previous_state": None,
                    "occurred_at": news.at.isoformat(),
                },
                "subscription_id": str(UUID(int=7)),
                "event_type": "transfers#state-change",
                "schema_version": "2.0.0",
                "sent_at": news.at.isoformat(),
            }
        ).encode()

    def sign(self, body: bytes, *, event: str, at: datetime, by: SignedBy) -> Mapping[str, str]:
        key = KEY if by is SignedBy.VENDOR else STRANGERS_KEY
        return {"x-signature-sha256": b64encode(key.sign(body, PKCS1v15(), SHA256())).decode(), **self.extra}


@web.middleware
async def _authorized(request: web.Request, handler: Any) -> web.StreamResponse:
    if request.headers.get("Authorization") != f"Bearer {API_TOKEN}":
        return _answer({"error": "invalid_token"}, 401)
    answer: web.StreamResponse = await handler(request)
    return answer


async def _read(request: web.Request) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(await request.read(), parse_float=Decimal, parse_int=Decimal)
    return body


def _creation(double: WiseDouble, made: Made) -> Creation:
    recipient = double.recipient(int(made.body["targetAccount"]))
    return Creation(
        amount=Money(amount_minor=int(made.quote["targetAmount"].scaleb(2)), asset=made.quote["targetCurrency"]),
        destination=Destination(
            kind=KIND, value=recipient["details"].get("IBAN", ""), memo=recipient["accountHolderName"]
        ),
    )


def _taken(made: Made) -> Decimal:
    (option,) = [way for way in made.quote["paymentOptions"] if way["payIn"] == "BALANCE"]
    taken: Decimal = option["sourceAmount"]
    return taken


def _transfer(made: Made) -> dict[str, Any]:
    return {
        "id": made.number,
        "user": 1,
        "targetAccount": made.body["targetAccount"],
        "sourceAccount": None,
        "quote": None,
        "quoteUuid": made.body["quoteUuid"],
        "status": made.status,
        "rate": made.quote["rate"],
        "created": made.created.strftime("%Y-%m-%d %H:%M:%S"),
        "details": made.body.get("details", {}),
        "hasActiveIssues": False,
        "sourceCurrency": made.quote["sourceCurrency"],
        "sourceValue": _taken(made),
        "targetCurrency": made.quote["targetCurrency"],
        "targetValue": made.quote["targetAmount"],
        "customerTransactionId": made.body["customerTransactionId"],
    }


def _refusal_at(step: Step) -> web.Response:
    match step:
        case Step.QUOTE:
            return _faults(("error.amountTooLow", "targetAmount"))
        case Step.RECIPIENT:
            return _faults(("NOT_VALID", "details.IBAN"))
        case Step.TRANSFER:
            return _faults(("quote.not.valid", "quoteUuid"))
        case Step.PAYMENT:
            return _rejected("transfer.insufficient_funds")


def _faults(*faults: tuple[str, str]) -> web.Response:
    told = [{"code": code, "message": "please mend", "path": path, "arguments": []} for code, path in faults]
    return _answer({"errors": told}, 422)


def _rejected(code: str) -> web.Response:
    return _answer({"type": "BALANCE", "status": "REJECTED", "errorCode": code}, 200)


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
