"""A Tremendous of our own: written from its documents, with a journal, an idempotent `external_id` and faults.

https://developers.tremendous.com/reference/core-orders-create
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import web

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.testing.contract import Conduct, Creation, News, SignedBy

API_KEY = "TEST_tremendous-key-canary-4821"
WEBHOOK_KEY = "tremendous-hook-canary-9317"
FUNDING_SOURCE = "FUND1234CANARY"
CAMPAIGN = "CAMPAIGN7CANARY"
KIND = "email"
# Order status and delivery status.
TRUTHS: Mapping[ObservedStatus, tuple[str, str]] = {
    ObservedStatus.PENDING: ("EXECUTED", "PENDING"),
    ObservedStatus.PAID: ("EXECUTED", "SUCCEEDED"),
    ObservedStatus.FAILED: ("FAILED", "PENDING"),
    ObservedStatus.CANCELED: ("CANCELED", "PENDING"),
    ObservedStatus.RETURNED: ("CANCELED", "FAILED"),
    ObservedStatus.UNKNOWN: ("ON THE MOON", "PENDING"),
}


@dataclass
class Taken:
    """One order in the journal."""

    number: int
    body: dict[str, Any]
    status: str = "EXECUTED"
    delivery: str = "PENDING"
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def order_id(self) -> str:
        return f"ORDER{self.number:07d}"

    @property
    def reward_id(self) -> str:
        return f"REWARD{self.number:06d}"


class TremendousDouble:
    """Satisfies `rewardrails.testing.contract.VendorDouble`; an async context manager that listens while it is open."""

    def __init__(self) -> None:
        self.url = ""
        self.taken: list[Taken] = []
        self.available_cents = 10**24
        self.webhooks = [{"id": "HOOK1", "url": "https://pay.example/v1/webhooks/gifts", "private_key": WEBHOOK_KEY}]
        self._conduct: dict[str, Conduct] = {"": Conduct.ACCEPT}
        self._closing = asyncio.Event()
        app = web.Application(middlewares=[_authorized])
        app.router.add_post("/api/v2/orders", self._create)
        app.router.add_get("/api/v2/orders", self._list)
        app.router.add_get("/api/v2/orders/{id}", self._show)
        app.router.add_get("/api/v2/funding_sources/{id}", self._funding)
        app.router.add_get("/api/v2/webhooks", self._webhooks)
        self._runner = web.AppRunner(app, shutdown_timeout=1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/api/v2"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        await self._runner.cleanup()

    def creates(self, method: str, url: str) -> bool:
        return method == "POST" and urlsplit(url).path.endswith("/orders")

    async def behave(self, conduct: Conduct, *, rail_key: str = "") -> None:
        self._conduct[rail_key] = conduct

    async def journal(self, rail_key: str) -> Sequence[Creation]:
        rewards = [one.body["reward"] for one in self.taken if one.body.get("external_id") == rail_key]
        return [
            Creation(
                amount=Money(
                    amount_minor=int(reward["value"]["denomination"].scaleb(2)),
                    asset=reward["value"]["currency_code"],
                ),
                destination=Destination(kind=KIND, value=reward["recipient"]["email"]),
            )
            for reward in rewards
        ]

    async def move(self, rail_key: str, status: ObservedStatus) -> None:
        taken = next(one for one in reversed(self.taken) if one.body.get("external_id") == rail_key)
        taken.status, taken.delivery = TRUTHS[status]

    async def advance(self, seconds: float) -> None:
        """Nothing at Tremendous depends on time that this double knows of."""

    async def _create(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read(), parse_float=Decimal, parse_int=Decimal)
        key = body.get("external_id", "")
        if known := [one for one in self.taken if key and one.body.get("external_id") == key]:
            same = known[0].body == body
            return _answer({"order": _order(known[0])}, 201) if same else _refusal(409, "external_id was used before")
        fault = _fault(body)
        if fault is not None:
            return fault
        conduct = self._conduct.get(key, self._conduct[""])
        match conduct:
            case Conduct.REFUSE:
                return _refusal(422, "Email is invalid", {"reward": {"recipient": {"email": ["is invalid"]}}})
            case Conduct.REFUSE_STRANGELY:
                return _refusal(418, "I am a teapot")
        cents = int(body["reward"]["value"]["denomination"] * 100)
        if cents > self.available_cents:
            return _refusal(402, "Not enough funds")
        self.available_cents -= cents
        taken = Taken(number=len(self.taken), body=body)
        self.taken.append(taken)
        if conduct is Conduct.LOSE_REPLY and request.transport is not None:
            request.transport.abort()
        if conduct is Conduct.ANSWER_LATE:
            await self._closing.wait()
        return _answer({"order": _order(taken)}, 200)

    async def _list(self, request: web.Request) -> web.Response:
        wanted = request.query.get("external_id")
        found = [one for one in reversed(self.taken) if wanted is None or one.body.get("external_id") == wanted]
        if since := request.query.get("created_at[gte]"):
            found = [one for one in found if one.created_at >= datetime.fromisoformat(since)]
        if until := request.query.get("created_at[lte]"):
            found = [one for one in found if one.created_at <= datetime.fromisoformat(until)]
        offset, limit = int(request.query.get("offset", "0")), int(request.query.get("limit", "10"))
        page = found[offset : offset + limit]
        return _answer({"orders": [_order(one) for one in page], "total_count": len(found)}, 200)

    async def _show(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        for one in self.taken:
            if name in (one.order_id, one.body.get("external_id")):
                return _answer({"order": _order(one)}, 200)
        return _refusal(404, "not found")

    async def _funding(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != FUNDING_SOURCE:
            return _refusal(404, "not found")
        meta = {
            "available_cents": self.available_cents,
            "available_amount": Decimal(self.available_cents) / 100,
            "currency_code": "USD",
        }
        return _answer({"funding_source": {"id": FUNDING_SOURCE, "method": "balance", "meta": meta}}, 200)

    async def _webhooks(self, _: web.Request) -> web.Response:
        return _answer({"webhooks": self.webhooks}, 200)


class TremendousNotices:
    """Writes what Tremendous would."""

    def write(self, news: News) -> bytes:
        return json.dumps(
            {
                "event": "REWARDS.DELIVERY.SUCCEEDED" if news.status is ObservedStatus.PAID else "REWARDS.FLAGGED",
                "uuid": news.event,
                "created_utc": news.at.isoformat(),
                "payload": {"resource": {"id": news.provider_reference, "type": "rewards"}, "meta": {}},
            }
        ).encode()

    def sign(self, body: bytes, *, event: str, at: datetime, by: SignedBy) -> Mapping[str, str]:
        key = WEBHOOK_KEY if by is SignedBy.VENDOR else "a-stranger-s-key"
        return {"tremendous-webhook-signature": "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}


@web.middleware
async def _authorized(request: web.Request, handler: Any) -> web.StreamResponse:
    if request.headers.get("Authorization") != f"Bearer {API_KEY}":
        return _refusal(401, "Unauthorized")
    answer: web.StreamResponse = await handler(request)
    return answer


def _fault(body: Mapping[str, Any]) -> web.Response | None:
    """What the documents say is refused, in their order."""
    reward = body.get("reward", {})
    if body.get("payment", {}).get("funding_source_id") != FUNDING_SOURCE:
        return _refusal(422, "Funding source unknown", {"payment": {"funding_source_id": ["is unknown"]}})
    if not reward.get("campaign_id") and not reward.get("products"):
        return _refusal(422, "At least one valid product required", {"reward": {"products": ["are missing"]}})
    value = reward.get("value", {})
    if not isinstance(value.get("denomination"), Decimal) or value["denomination"] <= 0:
        return _refusal(422, "Value is invalid", {"reward": {"value": {"denomination": ["is invalid"]}}})
    if value.get("currency_code") not in {"USD", "EUR"}:
        return _refusal(422, "Currency is unknown", {"reward": {"value": {"currency_code": ["is unknown"]}}})
    if "@" not in reward.get("recipient", {}).get("email", ""):
        return _refusal(422, "Email is invalid", {"reward": {"recipient": {"email": ["is invalid"]}}})
    return None


def _order(taken: Taken) -> dict[str, Any]:
    reward, created = taken.body["reward"], taken.created_at.isoformat()
    worth = reward["value"]["denomination"]
    return {
        "id": taken.order_id,
        "external_id": taken.body.get("external_id"),
        "created_at": created,
        "status": taken.status,
        "channel": "API",
        "payment": {
            "subtotal": worth,
            "total": worth,
            "fees": Decimal(0),
            "discount": Decimal(0),
            "currency_code": "USD",
        },
        "rewards": [
            {
                "id": taken.reward_id,
                "order_id": taken.order_id,
                "created_at": created,
                "value": reward["value"],
                "recipient": {"email": reward["recipient"]["email"], "name": None},
                "delivery": {"method": reward["delivery"]["method"], "status": taken.delivery},
            }
        ],
    }


def _refusal(status: int, message: str, payload: Mapping[str, Any] | None = None) -> web.Response:
    return _answer({"errors": {"message": message, "payload": payload or {}}}, status)


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
