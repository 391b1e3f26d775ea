"""The public API of the fake provider: raw ASGI, because its speed must not be the bench's limit.

    POST /v1/payouts              Idempotency-Key required; 201 created, 200 replayed
    POST /v1/batches              Idempotency-Key required; up to 500 payouts
    GET  /v1/payouts/{id}         one payout
    GET  /v1/payouts?reference=   those created under a reference, oldest first
    GET  /v1/payouts?from=&to=    those created in a time, oldest first, up to 500; &after= is the `next` of the page before
    POST /v1/payouts/{id}/cancel  stop what is still processing
    GET  /v1/balance              what it holds
    GET  /v1/quote?amount=&asset= what a payout would cost

Authentication is `Authorization: Bearer <token>`. `GET /openapi.json` describes all this.
"""

import hmac
from datetime import datetime
from itertools import islice
from urllib.parse import parse_qs

import msgspec

from rewardrails.testing.fake_provider.amounts import to_minor
from rewardrails.testing.fake_provider.answers import deny
from rewardrails.testing.fake_provider.batches import accept_batch
from rewardrails.testing.fake_provider.creation import create
from rewardrails.testing.fake_provider.openapi import DOCUMENT
from rewardrails.testing.fake_provider.service import Denied, Service
from rewardrails.testing.fake_provider.transport import Exchange
from rewardrails.testing.fake_provider.wire import (
    CREATE_BATCH,
    CREATE_PAYOUT,
    ENCODER,
    Balances,
    DecimalText,
    PayoutList,
    PayoutPage,
    Quote,
)

PAYOUTS = "/v1/payouts"
UNLIMITED = "999999999999"
PAGE = 500


class Api:
    """Routes /v1 requests; `outage` is off, unavailable or hang."""

    def __init__(self, service: Service) -> None:
        self.outage = "off"
        self._service = service
        self._authorization = f"Bearer {service.options.token}"

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request, or leave it without one if so chosen."""
        if self.outage == "hang":
            await exchange.gone()
        elif self.outage == "unavailable":
            await deny(exchange, "unavailable")
        elif exchange.path == "/openapi.json":
            await exchange.answer(200, DOCUMENT)
        elif not hmac.compare_digest(exchange.header(b"authorization").encode(), self._authorization.encode()):
            await deny(exchange, "unauthorized")
        else:
            await self._route(exchange)

    async def _route(self, exchange: Exchange) -> None:
        match exchange.method, exchange.path:
            case "POST", "/v1/payouts":
                await self._create(exchange)
            case "POST", "/v1/batches":
                await self._create_batch(exchange)
            case "GET", "/v1/payouts":
                await self._list(exchange)
            case "GET", "/v1/balance":
                await self._balance(exchange)
            case "GET", "/v1/quote":
                await self._quote(exchange)
            case "POST", path if path.startswith(PAYOUTS) and path.endswith("/cancel"):
                await self._cancel(exchange, path.removeprefix(f"{PAYOUTS}/").removesuffix("/cancel"))
            case "GET", path if path.startswith(f"{PAYOUTS}/"):
                await self._show(exchange, path.removeprefix(f"{PAYOUTS}/"))
            case _:
                await deny(exchange, "not_found")

    async def _create(self, exchange: Exchange) -> None:
        self._service.book.requests += 1
        key = exchange.header(b"idempotency-key")
        body = await exchange.body()
        if not key:
            await deny(exchange, "key_missing")
            return
        try:
            request = CREATE_PAYOUT.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            await deny(exchange, "request_invalid")
            return
        await create(self._service, exchange, request, key)

    async def _create_batch(self, exchange: Exchange) -> None:
        self._service.book.requests += 1
        key = exchange.header(b"idempotency-key")
        try:
            request = CREATE_BATCH.decode(await exchange.body())
        except (msgspec.MsgspecError, UnicodeDecodeError):
            await deny(exchange, "request_invalid")
            return
        if not key:
            await deny(exchange, "key_missing")
            return
        batch = accept_batch(self._service, request, key)
        await self._service.journal.flushed()
        await exchange.answer(200, ENCODER.encode(batch))

    async def _list(self, exchange: Exchange) -> None:
        query = _query(exchange)
        if "from" in query:
            await self._list_window(exchange, query)
            return
        references = query.get("reference", [])
        found = self._service.find(references[0]) if len(references) == 1 else None
        if found is None:
            await deny(exchange, "not_found")
            return
        await self._service.journal.flushed()
        views = self._service.views
        await exchange.answer(200, ENCODER.encode(PayoutList([views.payout(entry) for entry in found])))

    async def _list_window(self, exchange: Exchange, query: dict[str, list[str]]) -> None:
        try:
            start, end = (datetime.fromisoformat(query[name][0]).timestamp() for name in ("from", "to"))
            first = int(query.get("after", ["0"])[0])
        except (KeyError, ValueError):
            await deny(exchange, "request_invalid")
            return
        created = islice(self._service.book.by_id.values(), first, None)
        found = list(islice(created, PAGE))
        await self._service.journal.flushed()
        shown = [self._service.views.payout(entry) for entry in found if start <= entry.accepted.at < end]
        following = str(first + PAGE) if len(found) == PAGE else ""
        await exchange.answer(200, ENCODER.encode(PayoutPage(shown, following)))

    async def _show(self, exchange: Exchange, payout_id: str) -> None:
        entry = self._service.book.by_id.get(payout_id)
        if entry is None:
            await deny(exchange, "not_found")
            return
        await self._service.journal.flushed()
        await exchange.answer(200, ENCODER.encode(self._service.views.payout(entry)))

    async def _cancel(self, exchange: Exchange, payout_id: str) -> None:
        entry = self._service.book.by_id.get(payout_id)
        denied = Denied("not_found") if entry is None else self._service.cancel(entry)
        if entry is None or denied is not None:
            await deny(exchange, denied.code if denied else "not_found")
            return
        await self._service.journal.flushed()
        await exchange.answer(200, ENCODER.encode(self._service.views.payout(entry)))

    async def _balance(self, exchange: Exchange) -> None:
        service = self._service
        held = {
            asset: service.views.money(service.floats[asset] - service.book.out_minor[asset], asset)
            if asset in service.floats
            else UNLIMITED
            for asset in service.options.exponents
        }
        await exchange.answer(200, ENCODER.encode(Balances(held)))

    async def _quote(self, exchange: Exchange) -> None:
        service, query = self._service, _query(exchange)
        amount, asset = query.get("amount", [""])[0], query.get("asset", [""])[0]
        if asset not in service.options.exponents:
            await deny(exchange, "asset_not_supported")
            return
        try:
            amount_minor = to_minor(msgspec.convert(amount, DecimalText), service.options.exponents[asset])
        except msgspec.ValidationError:
            amount_minor = None
        if amount_minor is None:
            await deny(exchange, "amount_malformed")
            return
        fee_minor = service.fee_minor(amount_minor, asset)
        money = service.views.money
        quote = Quote(
            amount=money(amount_minor, asset),
            fee=money(fee_minor, asset),
            total=money(amount_minor + fee_minor, asset),
            asset=asset,
        )
        await exchange.answer(200, ENCODER.encode(quote))


def _query(exchange: Exchange) -> dict[str, list[str]]:
    return parse_qs(bytes(exchange.scope["query_string"]).decode("latin-1"))
