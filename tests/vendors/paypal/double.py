"""A PayPal of our own: written from its documents, with a journal, a `sender_batch_id` it takes once in 30 days, and faults.

https://developer.paypal.com/docs/api/payments.payouts-batch/v1/, https://developer.paypal.com/api/payouts/test-values
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import web

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.testing.contract.double import Conduct, Creation
from tests.vendors.paypal import judge
from tests.vendors.paypal.notices import CERTIFICATE_PATH, chain

CLIENT_ID = "paypal-client-canary-5521"
CLIENT_SECRET = "paypal-secret-canary-8136"
KIND = "paypal_email"
PAYOUTS = "/v1/payments/payouts"
ITEMS = "/v1/payments/payouts-item"
REMEMBERED = timedelta(days=30)
UNCLAIMED_FOR = timedelta(days=30)
STRANGE = "ON_THE_MOON"
# Status of the batch and of its item.
TRUTHS: Mapping[ObservedStatus, tuple[str, str]] = {
    ObservedStatus.PENDING: ("SUCCESS", "UNCLAIMED"),
    ObservedStatus.PAID: ("SUCCESS", "SUCCESS"),
    ObservedStatus.FAILED: ("DENIED", "FAILED"),
    ObservedStatus.CANCELED: ("CANCELED", "RETURNED"),
    ObservedStatus.RETURNED: ("SUCCESS", "REFUNDED"),
    ObservedStatus.UNKNOWN: ("SUCCESS", STRANGE),
}
# What a note makes the sandbox answer.
MAGIC: Mapping[str, tuple[int, str]] = {
    "ERRPYO001": (403, "SENDER_RESTRICTED"),
    "ERRPYO002": (403, "SENDER_EMAIL_UNCONFIRMED"),
    "ERRPYO003": (403, "AUTHORIZATION_ERROR"),
    "ERRPYO005": (422, "INSUFFICIENT_FUNDS"),
    "ERRPYO006": (500, "INTERNAL_ERROR"),
    "ERRPYO010": (400, "VALIDATION_ERROR"),
    "ERRPYO011": (403, "REQUIRED_SCOPE_MISSING"),
    "ERRPYO012": (403, "SENDER_LOCKED"),
    "ERRPYO014": (400, "USER_BUSINESS_ERROR"),
    "ERRPYO035": (429, "RATE_LIMIT_VALIDATION"),
    "ERRPYO036": (504, "REQUEST_TIMEOUT_EXCEEDED"),
    "ERRPYO037": (400, "SYNC_MODE_NOT_APPLICABLE"),
    "ERRPYO038": (400, "NON_HOLDING_CURRENCY"),
    "ERRPYO039": (400, "PREVIOUS_REQUEST_IN_PROGRESS"),
    "ERRPYO040": (403, "CIP_NOT_VERIFIED"),
}


@dataclass
class Taken:
    """One batch of one in the journal."""

    number: int
    body: dict[str, Any]
    created_at: datetime
    status: str = "SUCCESS"
    item_status: str = "UNCLAIMED"
    error: str = ""
    has_items: bool = True

    @property
    def key(self) -> str:
        return str(self.body["sender_batch_header"].get("sender_batch_id", ""))

    @property
    def batch_id(self) -> str:
        return f"BATCH{self.number:08d}"

    @property
    def item_id(self) -> str:
        return f"ITEM{self.number:09d}"


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What was asked and how it was answered."""

    method: str
    path: str
    sent: bytes
    status: int
    answered: bytes


class PayPalDouble:
    """Satisfies `rewardrails.testing.contract.VendorDouble`; an async context manager that listens while it is open.

    On closing it fails where PayPal's own description would not have let an exchange through.
    """

    def __init__(self) -> None:
        self.url = ""
        self.taken: list[Taken] = []
        self.available: dict[str, Decimal] = {"USD": Decimal(10**22), "EUR": Decimal(10**22)}
        self.tokens: list[str] = []
        self.token_seconds = 32_400
        self.faults: list[str] = []
        self.exchanges: list[Exchange] = []
        self.judged_at_most = 500
        self.certificate = chain()
        self.certificates_given = 0
        self.magic = ""
        self.lets_search = True
        self._clock_ahead = timedelta()
        self._conduct: dict[str, Conduct] = {"": Conduct.ACCEPT}
        self._closing = asyncio.Event()
        app = web.Application(middlewares=[self._judged, self._authorized])
        app.router.add_post("/v1/oauth2/token", self._token)
        app.router.add_get(CERTIFICATE_PATH, self._certificate)
        app.router.add_post(PAYOUTS, self._create)
        app.router.add_get(f"{PAYOUTS}/{{id}}", self._show)
        app.router.add_get(f"{ITEMS}/{{id}}", self._show_item)
        app.router.add_post(f"{ITEMS}/{{id}}/cancel", self._cancel)
        app.router.add_get("/v1/reporting/transactions", self._history)
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
        # Afterwards: holding an exchange against the description takes longer than answering it.
        for one in self.exchanges:
            self.faults += judge.faults_of_exchange(
                one.method, one.path, one.sent, status=one.status, answered=one.answered
            )
        assert self.faults == [], self.faults

    def creates(self, method: str, url: str) -> bool:
        return method == "POST" and urlsplit(url).path == PAYOUTS

    async def behave(self, conduct: Conduct, *, rail_key: str = "") -> None:
        self._conduct[rail_key] = conduct

    async def journal(self, rail_key: str) -> Sequence[Creation]:
        return [
            Creation(
                amount=Money(
                    amount_minor=int(Decimal(item["amount"]["value"]).scaleb(2)), asset=item["amount"]["currency"]
                ),
                destination=Destination(kind=KIND, value=item["receiver"]),
            )
            for one in self.taken
            if one.key == rail_key
            for item in one.body["items"]
        ]

    async def move(self, rail_key: str, status: ObservedStatus) -> None:
        taken = next(one for one in reversed(self.taken) if one.key == rail_key)
        taken.status, taken.item_status = TRUTHS[status]
        taken.error = "RECEIVER_ACCOUNT_LOCKED" if status is ObservedStatus.FAILED else ""

    async def advance(self, seconds: float) -> None:
        """Keys are forgotten and what nobody claims goes back, each after 30 days."""
        self._clock_ahead += timedelta(seconds=seconds)
        for one in self.taken:
            if one.item_status == "UNCLAIMED" and self._now() - one.created_at > UNCLAIMED_FOR:
                one.item_status = "RETURNED"

    def withdraw_tokens(self) -> None:
        """Every token that was given out is refused from now on."""
        self.tokens = ["withdrawn"] * len(self.tokens)

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._clock_ahead

    async def _token(self, request: web.Request) -> web.Response:
        pair = b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        form = await request.post()
        if request.headers.get("Authorization") != f"Basic {pair}":
            return _answer({"error": "invalid_client", "error_description": "Client Authentication failed"}, 401)
        if form.get("grant_type") != "client_credentials":
            return _answer({"error": "unsupported_grant_type", "error_description": "unsupported grant_type"}, 400)
        self.tokens.append(f"A21AA-token-canary-{len(self.tokens)}")
        return _answer(
            {
                "scope": "https://uri.paypal.com/payments/payouts",
                "access_token": self.tokens[-1],
                "token_type": "Bearer",
                "app_id": "APP-80W284485P519543T",
                "expires_in": self.token_seconds,
                "nonce": "2026-11-01T10:00:00Znonce",
            },
            200,
        )

    async def _certificate(self, _: web.Request) -> web.Response:
        self.certificates_given += 1
        return web.Response(text=self.certificate)

    async def _create(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        key = body.get("sender_batch_header", {}).get("sender_batch_id", "")
        note = self.magic or next(iter(body.get("items", [])), {}).get("note", "")
        if note in MAGIC:
            return _refusal(*MAGIC[note])
        if known := [one for one in self.taken if key and one.key == key and self._now() - one.created_at < REMEMBERED]:
            return self._duplicate(known[0])
        fault = self._fault(body)
        if fault is not None:
            return fault
        conduct = self._conduct.get(key, self._conduct[""])
        match conduct:
            case Conduct.REFUSE:
                return _refusal(400, "VALIDATION_ERROR", [{"field": "items[0].receiver", "issue": "Invalid receiver"}])
            case Conduct.REFUSE_STRANGELY:
                return _refusal(400, "TEAPOT_EMPTY")
        amount = body["items"][0]["amount"]
        if Decimal(amount["value"]) > self.available[amount["currency"]]:
            return _refusal(422, "INSUFFICIENT_FUNDS")
        self.available[amount["currency"]] -= Decimal(amount["value"])
        taken = Taken(number=len(self.taken), body=body, created_at=self._now())
        self.taken.append(taken)
        if conduct is Conduct.LOSE_REPLY and request.transport is not None:
            request.transport.abort()
        if conduct is Conduct.ANSWER_LATE:
            await self._closing.wait()
        header = {
            "payout_batch_id": taken.batch_id,
            "batch_status": "PENDING",
            "sender_batch_header": taken.body["sender_batch_header"],
        }
        return _answer({"batch_header": header, "links": [_link(f"{PAYOUTS}/{taken.batch_id}")]}, 201)

    def _duplicate(self, known: Taken) -> web.Response:
        return _refusal(
            400,
            "USER_BUSINESS_ERROR",
            [
                {
                    "field": "SENDER_BATCH_ID",
                    "location": "body",
                    "issue": "Batch with given sender_batch_id already exists",
                    "link": [_link(f"{PAYOUTS}/{known.batch_id}")],
                }
            ],
        )

    def _fault(self, body: Mapping[str, Any]) -> web.Response | None:
        """What PayPal says is refused, of what has the right shape at all."""
        if not body.get("items"):
            return _refusal(400, "VALIDATION_ERROR", [{"field": "items", "issue": "Required field is missing"}])
        if faults := judge.strict_faults(body):
            return _refusal(400, "VALIDATION_ERROR", [{"field": "items[0]", "issue": fault} for fault in faults])
        if body["items"][0]["amount"]["currency"] not in self.available:
            return _refusal(400, "NON_HOLDING_CURRENCY")
        return None

    async def _show(self, request: web.Request) -> web.Response:
        for one in self.taken:
            if request.match_info["id"] == one.batch_id:
                return _answer(_batch(one), 200)
        return _refusal(404, "INVALID_RESOURCE_ID")

    async def _show_item(self, request: web.Request) -> web.Response:
        for one in self.taken:
            if request.match_info["id"] == one.item_id:
                return _answer(item_of(one) | {"sender_batch_id": one.key}, 200)
        return _refusal(404, "INVALID_RESOURCE_ID")

    async def _history(self, request: web.Request) -> web.Response:
        """Transaction Search: payouts that became transactions, oldest first."""
        if not self.lets_search:
            return _refusal(403, "NOT_AUTHORIZED")
        start, end = (datetime.fromisoformat(request.query[name]) for name in ("start_date", "end_date"))
        if end - start > timedelta(days=31) or request.query["transaction_type"] != "T0001":
            return _refusal(400, "INVALID_REQUEST")
        found = [one for one in self.taken if one.has_items and start <= one.created_at <= end]
        size, page = int(request.query.get("page_size", "100")), int(request.query.get("page", "1"))
        shown = [{"transaction_info": _transaction(one)} for one in found[(page - 1) * size : page * size]]
        pages = -(-len(found) // size)
        return _answer(
            {"transaction_details": shown, "page": page, "total_items": len(found), "total_pages": pages}, 200
        )

    async def _cancel(self, request: web.Request) -> web.Response:
        for one in self.taken:
            if request.match_info["id"] == one.item_id:
                if one.item_status == "RETURNED":
                    return _refusal(400, "ITEM_ALREADY_CANCELLED")
                if one.item_status != "UNCLAIMED":
                    return _refusal(400, "ITEM_INCORRECT_STATUS")
                one.item_status = "RETURNED"
                return _answer(item_of(one) | {"sender_batch_id": one.key}, 200)
        return _refusal(404, "INVALID_RESOURCE_ID")

    @web.middleware
    async def _authorized(self, request: web.Request, handler: Any) -> web.StreamResponse:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if request.path.startswith(("/v1/payments/", "/v1/reporting/")) and bearer not in self.tokens:
            return _answer({"error": "invalid_token", "error_description": "Token signature verification failed"}, 401)
        answer: web.StreamResponse = await handler(request)
        return answer

    @web.middleware
    async def _judged(self, request: web.Request, handler: Any) -> web.StreamResponse:
        answer: web.StreamResponse = await handler(request)
        is_described = request.path.startswith("/v1/payments/") and answer.status != 401
        if (
            is_described
            and len(self.exchanges) < self.judged_at_most
            and isinstance(answer, web.Response)
            and STRANGE.encode() not in (body := bytes(answer.body or b""))
        ):
            sent = await request.read()
            self.exchanges.append(
                Exchange(method=request.method, path=request.path, sent=sent, status=answer.status, answered=body)
            )
        return answer


def item_of(taken: Taken) -> dict[str, Any]:
    """The batch's one item as PayPal shows it."""
    asked = taken.body["items"][0]
    shown = {
        "payout_item_id": taken.item_id,
        "transaction_id": f"TX{taken.number:015d}",
        "transaction_status": taken.item_status,
        "payout_item_fee": {"currency": "USD", "value": "0.25"},
        "payout_batch_id": taken.batch_id,
        "payout_item": asked | {"recipient_wallet": "PAYPAL"},
        "time_processed": "2026-11-01T10:00:00Z",
        "links": [_link(f"{ITEMS}/{taken.item_id}")],
    }
    if taken.error:
        shown["errors"] = {"name": taken.error, "message": "The item was not paid.", "debug_id": "d0b1e"}
    return shown


def _transaction(taken: Taken) -> dict[str, Any]:
    amount = taken.body["items"][0]["amount"]
    status = {"SUCCESS": "S", "RETURNED": "V", "FAILED": "D"}.get(taken.item_status, "P")
    return {
        "transaction_id": item_of(taken)["transaction_id"],
        "transaction_event_code": "T0001",
        "transaction_initiation_date": taken.created_at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "transaction_amount": {"currency_code": amount["currency"], "value": f"-{amount['value']}"},
        "transaction_status": status,
        "payer_info": {"email_address": taken.body["items"][0]["receiver"]},
    }


def _batch(taken: Taken) -> dict[str, Any]:
    header = {
        "payout_batch_id": taken.batch_id,
        "batch_status": taken.status,
        "time_created": "2026-11-01T10:00:00Z",
        "sender_batch_header": taken.body["sender_batch_header"],
        "funding_source": "BALANCE",
        "amount": taken.body["items"][0]["amount"],
        "fees": {"currency": "USD", "value": "0.25"},
    }
    return {"batch_header": header, "items": [item_of(taken)] if taken.has_items else [], "links": []}


def _link(path: str) -> dict[str, str]:
    return {"href": f"https://api-m.sandbox.paypal.com{path}", "rel": "self", "method": "GET"}


def _refusal(status: int, name: str, details: Sequence[Mapping[str, Any]] = ()) -> web.Response:
    return _answer(
        {"name": name, "message": f"PayPal says {name}.", "debug_id": "f05063556a338", "details": list(details)}, status
    )


def _answer(value: object, status: int) -> web.Response:
    return web.Response(
        body=json.dumps(value).encode(),
        status=status,
        content_type="application/json",
        headers={"PayPal-Debug-Id": "f05063556a338"},
    )
