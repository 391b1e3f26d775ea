"""A Stripe of our own: payout intents and what they send, with a journal, lasting keys and faults at each step.

Written from the objects, fields and error types that Stripe's own Python client lists for API 2026-10-28.endive.
"""

import asyncio
import hashlib
import hmac
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import web

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.testing.contract import Conduct, Creation, News, SignedBy

API_KEY = "TEST_stripe-key-canary-5521"
WEBHOOK_SECRET = "TEST_whsec-canary-9034"
ACCOUNT = "fa_test_0001"
KIND = "stripe_recipient"
BASE = "/v2/money_management"
VERSION = "2026-10-28.endive"
LOCK_LASTS = timedelta(minutes=5)
KEYS_LAST = timedelta(hours=24)
TRUTHS: Mapping[ObservedStatus, str] = {
    ObservedStatus.PENDING: "processing",
    ObservedStatus.PAID: "posted",
    ObservedStatus.FAILED: "failed",
    ObservedStatus.CANCELED: "canceled",
    ObservedStatus.RETURNED: "returned",
    ObservedStatus.UNKNOWN: "on_the_moon",
}
# https://docs.stripe.com/currencies#special-cases
STEPS = {"huf": 100, "isk": 100, "twd": 100, "ugx": 100, "kwd": 10}
# An intent's own words for what befell its payment.
WORDS: Mapping[str, Mapping[str, str]] = {
    "payout_intent": {"failed": "requires_action", "returned": "requires_action"},
    "outbound_payment": {"processing": "created"},
}
Handler = Callable[[web.Request], Awaitable[web.Response]]


class Step(StrEnum):
    """One of the two requests that make a payout, or the one that ends it."""

    INTENT = "intent"
    CONFIRM = "confirm"
    CANCEL = "cancel"


class Trouble(StrEnum):
    """What befalls the next request of a step."""

    NONE = "none"
    LOSE_REPLY = "lose_reply"
    LATE = "late"
    BROKEN_BEFORE = "broken_before"
    BROKEN_AFTER = "broken_after"
    REFUSE = "refuse"
    REFUSE_STRANGELY = "refuse_strangely"
    REFUSE_DRIFT = "refuse_drift"
    LIMITED = "limited"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    HELD = "held"


# What is answered instead of doing anything.
_ANSWERS = {
    Trouble.BROKEN_BEFORE: ("api_error", 503),
    Trouble.REFUSE: ("insufficient_funds", 400),
    Trouble.REFUSE_STRANGELY: ("moon_in_the_way", 418),
    Trouble.REFUSE_DRIFT: ("payout_intent_large_rate_drift", 400),
    Trouble.LIMITED: ("rate_limit", 429),
    Trouble.UNAUTHORIZED: ("authentication_error", 401),
    Trouble.FORBIDDEN: ("feature_not_enabled", 403),
}


@dataclass
class Made:
    """One intent."""

    id: str
    body: dict[str, Any]
    created: datetime
    status: str = "requires_action"
    payment_status: str = ""
    reason: str = ""
    paid: int = 0

    @property
    def payment_id(self) -> str:
        return f"obp_{self.id}"


class StripeDouble:
    """Satisfies `rewardrails.testing.contract.VendorDouble`; an async context manager that listens while it is open."""

    def __init__(self) -> None:
        self.url = ""
        self.intents: list[Made] = []
        self.balance = 10**22
        self.fee_share = 200
        self.rate: str | None = None
        self.page = 100
        self.troubles: dict[Step, deque[Trouble]] = {step: deque() for step in Step}
        self.others: list[dict[str, Any]] = []
        self.destinations: list[dict[str, Any]] = [event_destination()]
        self.currency = "eur"
        self.copies_metadata = False
        self.match_result: str | None = None
        self.held: int | None = None
        self.forbidden = ""
        self.next_page_url: str | None = None
        self._keys: dict[tuple[str, str], tuple[bytes, datetime, web.Response]] = {}
        self._conduct: dict[str, Conduct] = {"": Conduct.ACCEPT}
        self._passed = timedelta(0)
        self._closing = asyncio.Event()
        self.silent = asyncio.Event()  # it has done something and says nothing of it
        self.released = asyncio.Event()  # what was held on the way may arrive
        self.asked: Counter[Step] = Counter()
        app = web.Application(middlewares=[_authorized, self._permitted])
        app.router.add_post(f"{BASE}/payout_intents", self._befall(Step.INTENT, self._create))
        app.router.add_get(f"{BASE}/payout_intents", self._list)
        app.router.add_get(f"{BASE}/payout_intents/{{id}}", self._show)
        app.router.add_post(f"{BASE}/payout_intents/{{id}}/confirm", self._befall(Step.CONFIRM, self._confirm))
        app.router.add_post(f"{BASE}/payout_intents/{{id}}/cancel", self._befall(Step.CANCEL, self._cancel))
        app.router.add_get(f"{BASE}/outbound_payments", self._payments)
        app.router.add_get(f"{BASE}/outbound_payments/{{id}}", self._payment)
        app.router.add_get("/v2/core/event_destinations", self._destinations)
        app.router.add_get(f"{BASE}/financial_accounts/{{id}}", self._account)
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
        self.released.set()
        await self._runner.cleanup()

    def creates(self, method: str, url: str) -> bool:
        return method == "POST" and urlsplit(url).path.endswith("/confirm")

    async def behave(self, conduct: Conduct, *, rail_key: str = "") -> None:
        self._conduct[rail_key] = conduct

    async def journal(self, rail_key: str) -> Sequence[Creation]:
        return [_creation(one) for one in self.made(rail_key) for _ in range(one.paid)]

    def made(self, rail_key: str) -> list[Made]:
        return [one for one in self.intents if one.body["metadata"].get("rewardrails_key") == rail_key]

    async def move(self, rail_key: str, status: ObservedStatus) -> None:
        (made,) = [one for one in self.made(rail_key) if one.paid]
        made.payment_status = TRUTHS[status]
        made.status = {"failed": "requires_action", "returned": "requires_action"}.get(TRUTHS[status], TRUTHS[status])
        made.reason = {"failed": "payout_method_declined", "returned": "payout_method_closed"}.get(TRUTHS[status], "")

    async def advance(self, seconds: float) -> None:
        self._passed += timedelta(seconds=seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._passed

    @web.middleware
    async def _permitted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.forbidden and self.forbidden in request.path:
            return _fault("feature_not_enabled", 403)
        answer: web.StreamResponse = await handler(request)
        return answer

    def _befall(self, step: Step, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            self.asked[step] += 1
            trouble = self.troubles[step].popleft() if self.troubles[step] else Trouble.NONE
            if trouble in _ANSWERS:
                return _fault(*_ANSWERS[trouble])
            if trouble is Trouble.HELD:
                await self.released.wait()
            answer = await handler(request)
            match trouble:
                case Trouble.BROKEN_AFTER:
                    return _fault("api_error", 503)
                case Trouble.LOSE_REPLY if request.transport is not None:
                    request.transport.abort()
                case Trouble.LATE:
                    self.silent.set()
                    await self._closing.wait()
            return answer

        return handle

    async def _create(self, request: web.Request) -> web.Response:
        raw, key = await request.read(), request.headers.get("Idempotency-Key", "")
        if not key:
            return _fault("invalid_request")
        known = self._keys.get((request.path, key))
        if known is not None and known[1] + KEYS_LAST > self.now():
            (made,) = [one for one in self.intents if one.id == known[2].headers["x-made"]]
            return _answer(self._intent(made)) if known[0] == raw else _fault("idempotency_error")
        body = json.loads(raw)
        if not body["to"]["recipient"].startswith("acct_") or not isinstance(body["amount"]["value"], int):
            return _fault("invalid_payout_method")
        if body["amount"]["value"] % STEPS.get(body["amount"]["currency"], 1):
            return _fault("invalid_request")
        if body["from"]["financial_account"] != ACCOUNT or body["confirmation_method"] != "manual":
            return _fault("invalid_request")
        made = Made(id=f"pi_test_{len(self.intents) + 1:05d}", body=body, created=self.now())
        self.intents.append(made)
        answer = _answer(self._intent(made))
        self._keys[request.path, key] = (raw, self.now(), web.Response(headers={"x-made": made.id}))
        return answer

    async def _confirm(self, request: web.Request) -> web.Response:
        made = self._by_id(request)
        if made is None or not request.headers.get("Idempotency-Key"):
            return _fault("invalid_request", 404)
        if made.status != "requires_action" or made.paid:
            return _answer(self._intent(made)) if made.paid else _fault("already_canceled")
        if self.rate is not None and made.created + LOCK_LASTS < self.now():
            return _fault("fx_quote_needs_refresh")
        conduct = self._conduct.get(made.body["metadata"].get("rewardrails_key", ""), self._conduct[""])
        match conduct:
            case Conduct.REFUSE:
                return _fault("insufficient_funds")
            case Conduct.REFUSE_STRANGELY:
                return _fault("moon_in_the_way")
        if self.balance < made.body["amount"]["value"]:
            return _fault("insufficient_funds")
        self.balance -= made.body["amount"]["value"]
        made.paid += 1
        made.status = made.payment_status = "processing"
        if conduct is Conduct.LOSE_REPLY and request.transport is not None:
            request.transport.abort()
        if conduct is Conduct.ANSWER_LATE:
            await self._closing.wait()
        return _answer(self._intent(made))

    async def _cancel(self, request: web.Request) -> web.Response:
        made = self._by_id(request)
        if made is None:
            return _fault("invalid_request", 404)
        if made.status == "canceled":
            return _fault("already_canceled")
        if made.paid and made.payment_status != "processing":
            return _fault("not_cancelable")
        made.status = "canceled"
        made.payment_status = "canceled" if made.paid else ""
        return _answer(self._intent(made))

    async def _list(self, request: web.Request) -> web.Response:
        return self._page(request, [self._intent(one) for one in reversed(self.intents)])

    def _page(self, request: web.Request, found: list[dict[str, Any]]) -> web.Response:
        start, size = int(request.query.get("page", "0")), min(int(request.query.get("limit", "10")), self.page)
        following = request.rel_url.update_query(limit=size, page=start + size)
        more = start + size < len(found)
        data = found[start : start + size]
        elsewhere = self.next_page_url if request.path.endswith("/outbound_payments") else None
        told = elsewhere or (str(following) if more else None)
        return _answer({"data": data, "next_page_url": told, "previous_page_url": None})

    async def _show(self, request: web.Request) -> web.Response:
        made = self._by_id(request)
        return _answer(self._intent(made)) if made else _fault("not_found", 404)

    async def _payment(self, request: web.Request) -> web.Response:
        made = next((one for one in self.intents if one.payment_id == request.match_info["id"] and one.paid), None)
        return _answer(self._sent(made)) if made else _fault("not_found", 404)

    async def _payments(self, request: web.Request) -> web.Response:
        first = request.query.get("created[gte]", "2000-01-01T00:00:00Z")
        last = request.query.get("created[lt]", "2999-01-01T00:00:00Z")
        wanted = request.query.getall("status", []) or [
            request.query[name] for name in request.query if "status[" in name
        ]
        every = [*self.others, *(self._sent(one) for one in self.intents for _ in range(one.paid))]
        found = [
            one
            for one in reversed(every)
            if datetime.fromisoformat(first) <= datetime.fromisoformat(one["created"]) < datetime.fromisoformat(last)
            and (not wanted or one["status"] in wanted)
        ]
        return self._page(request, found)

    async def _destinations(self, request: web.Request) -> web.Response:
        shows_url = "webhook_endpoint.url" in request.query.values()
        hidden = {"webhook_endpoint": {"signing_secret": None, "url": None}}
        return self._page(request, [one if shows_url else one | hidden for one in self.destinations])

    async def _account(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != ACCOUNT:
            return _fault("not_found", 404)
        value = min(self.balance, 10**15) if self.held is None else self.held
        held = {self.currency: {"value": value, "currency": self.currency}}
        return _answer(
            {
                "object": "v2.money_management.financial_account",
                "id": ACCOUNT,
                "balance": {"available": held, "inbound_pending": {}, "outbound_pending": {}},
                "country": "IE",
                "created": _time(self.now()),
                "livemode": False,
                "status": "open",
                "type": "storage",
            }
        )

    def _by_id(self, request: web.Request) -> Made | None:
        return next((one for one in self.intents if one.id == request.match_info["id"]), None)

    def _intent(self, made: Made) -> dict[str, Any]:
        source = made.body["from"]["currency"]
        target = made.body["amount"]["currency"]
        ends = made.created + LOCK_LASTS
        fee = made.body["amount"]["value"] // self.fee_share
        action: dict[str, Any] | None = None
        if made.status == "requires_action":
            action = {"type": "confirm", "confirm": {"reason": "manually_requested"}, "handle_failure": None}
        if made.paid and made.reason:
            action = {"type": "handle_failure", "confirm": None, "handle_failure": {"failure_reason": made.reason}}
        quote = None
        if self.rate is not None:
            quote = {
                "lock_duration": "five_minutes",
                "lock_expires_at": _time(ends),
                "lock_status": "active" if self.now() < ends else "expired",
                "rates": {source: {"exchange_rate": self.rate}},
                "to_currency": target,
            }
        latest = {"type": "outbound_payment", "outbound_payment": made.payment_id, "outbound_transfer": None}
        return {
            "object": "v2.money_management.payout_intent",
            "id": made.id,
            "amount": made.body["amount"],
            "confirmation_method": "manual",
            "created": _time(made.created),
            "estimated_fees": [{"type": "standard_payout_fee", "amount": {"value": fee, "currency": source}}],
            "from": {**made.body["from"], "debited": None},
            "fx_quote": quote,
            "latest_payout": latest if made.paid else None,
            "livemode": False,
            "metadata": made.body["metadata"],
            "next_action": action,
            "recipient_verification": _verified(self.match_result),
            "status": made.status,
            "to": {"payout_method": None, **made.body["to"], "credited": None},
        }

    def _sent(self, made: Made) -> dict[str, Any]:
        details = {made.payment_status: {"reason": made.reason}} if made.reason else None
        return {
            "object": "v2.money_management.outbound_payment",
            "id": made.payment_id,
            "amount": made.body["amount"],
            "cancelable": made.payment_status == "processing",
            "created": _time(made.created),
            "from": {"debited": made.body["amount"], "financial_account": ACCOUNT},
            "livemode": False,
            "metadata": made.body["metadata"] if self.copies_metadata else {},
            "payout_intent": made.id,
            "recipient_notification": {"setting": "none"},
            "statement_descriptor": "",
            "status": made.payment_status,
            "status_details": details,
            "to": {"credited": made.body["amount"]} | {n: v for n, v in made.body["to"].items() if n != "currency"},
        }


@dataclass(frozen=True)
class StripeNotices:
    """Writes what Stripe would, about a payout intent or about the payment that it made."""

    about: str = "payout_intent"

    def write(self, news: News) -> bytes:
        kind = f"v2.money_management.{self.about}"
        return json.dumps(
            {
                "id": f"evt_{news.event}",
                "object": "v2.core.event",
                "type": f"{kind}.{WORDS[self.about].get(TRUTHS[news.status], TRUTHS[news.status])}",
                "created": _time(news.at),
                "livemode": False,
                "context": None,
                "reason": None,
                "related_object": {
                    "id": news.provider_reference,
                    "type": kind,
                    "url": f"{BASE}/{self.about}s/{news.provider_reference}",
                },
            }
        ).encode()

    def sign(self, body: bytes, *, event: str, at: datetime, by: SignedBy) -> Mapping[str, str]:
        secret = WEBHOOK_SECRET if by is SignedBy.VENDOR else "TEST_another"
        stamp = str(int(at.timestamp()))
        proof = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"stripe-signature": f"t={stamp},v1={proof}"}


@web.middleware
async def _authorized(request: web.Request, handler: Any) -> web.StreamResponse:
    if request.headers.get("Authorization") != f"Bearer {API_KEY}":
        return _fault("authentication_error", 401)
    if request.headers.get("Stripe-Version") != VERSION:
        return _fault("invalid_request")
    answer: web.StreamResponse = await handler(request)
    return answer


def event_destination(**changes: object) -> dict[str, Any]:
    """One that sends what is needed to the provider `one`."""
    words = ("posted", "requires_action", "canceled", "processing")
    return {
        "object": "v2.core.event_destination",
        "id": "ed_test_00001",
        "created": "2026-11-01T00:00:00.000Z",
        "description": "",
        "enabled_events": [f"v2.money_management.payout_intent.{word}" for word in words],
        "event_payload": "thin",
        "events_from": ["@self"],
        "livemode": False,
        "metadata": {},
        "name": "rewards",
        "snapshot_api_version": None,
        "status": "enabled",
        "status_details": None,
        "type": "webhook_endpoint",
        "updated": "2026-11-01T00:00:00.000Z",
        "webhook_endpoint": {"signing_secret": None, "url": "https://pay.example/v1/webhooks/one"},
    } | changes


def _verified(result: str | None) -> dict[str, Any] | None:
    if result is None:
        return None
    details = {"message": "compared", "provided_name": "A B", "matched_name": None}
    return {"match_result": result, "match_result_details": details}


def _creation(made: Made) -> Creation:
    amount = made.body["amount"]
    return Creation(
        amount=Money(amount_minor=amount["value"], asset=amount["currency"].upper()),
        destination=Destination(
            kind=KIND, value=made.body["to"]["recipient"], memo=made.body["to"].get("payout_method", "")
        ),
    )


def _fault(type_: str, status: int = 400) -> web.Response:
    return _answer({"error": {"type": type_, "code": type_, "message": "please mend"}}, status)


def _answer(value: object, status: int = 200) -> web.Response:
    return web.json_response(value, status=status)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
