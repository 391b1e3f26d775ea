"""A server that behaves like Acme, with a journal and a clock of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import msgspec
from acme_rail.webhook import HEADER, signature
from acme_rail.wire import Bulk, BulkItem, BulkResult, Failure, Listing, NewTransfer, Notice, Recipient, Transfer
from aiohttp import web

from rewardrails import clock
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.testing.contract import Conduct, Creation, News, SignedBy

API_KEY = "acme-key-canary-5512"
WEBHOOK_SECRET = "acme-hook-canary-7741"
REMEMBERS_KEYS_SECONDS = 24 * 3600
SHOWS_AFTER_SECONDS = 60
STATES = {
    ObservedStatus.PENDING: "open",
    ObservedStatus.PAID: "sent",
    ObservedStatus.FAILED: "rejected",
    ObservedStatus.CANCELED: "withdrawn",
    ObservedStatus.RETURNED: "bounced",
    ObservedStatus.UNKNOWN: "on_the_moon",
}
REASONS = {Conduct.REFUSE: "account_closed", Conduct.REFUSE_STRANGELY: "mood"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One creation in the journal."""

    key: str
    at: float
    asked: NewTransfer
    transfer: Transfer


class AcmeDouble:
    """Satisfies `rewardrails.testing.contract.VendorDouble`; an async context manager that listens while it is open."""

    def __init__(self) -> None:
        self.url = ""
        self._entries: list[Entry] = []
        self._conduct: dict[str, Conduct] = {"": Conduct.ACCEPT}
        self._passed_seconds = 0.0
        self._closing = asyncio.Event()
        app = web.Application()
        app.router.add_post("/transfers", self._create)
        app.router.add_post("/transfers/bulk", self._create_bulk)
        app.router.add_get("/transfers", self._list)
        app.router.add_get("/transfers/{id}", self._show)
        app.router.add_delete("/transfers/{id}", self._withdraw)
        app.router.add_get("/float", self._float)
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
        return method == "POST" and urlsplit(url).path.startswith("/transfers")

    async def behave(self, conduct: Conduct, *, rail_key: str = "") -> None:
        self._conduct[rail_key] = conduct

    async def journal(self, rail_key: str) -> Sequence[Creation]:
        asked = [entry.asked for entry in self._entries if entry.asked.client_ref == rail_key]
        return [
            Creation(
                amount=Money(amount_minor=one.cents, asset=one.currency),
                destination=Destination(kind=one.to.type, value=one.to.account, memo=one.to.note),
            )
            for one in asked
        ]

    async def move(self, rail_key: str, status: ObservedStatus) -> None:
        self._move(self._by_ref(rail_key)[-1], STATES[status])

    async def advance(self, seconds: float) -> None:
        self._passed_seconds += seconds

    async def _create(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=NewTransfer)
        entry, reason, conduct = self._take(request.headers.get("Acme-Idempotency", ""), asked)
        if conduct is Conduct.LOSE_REPLY and request.transport is not None:
            request.transport.abort()
        if conduct is Conduct.ANSWER_LATE:
            await self._closing.wait()
        if entry is None:
            return _answer(Failure(reason), status=409 if reason == "key_used" else 422)
        return _answer(entry.transfer, status=201)

    async def _create_bulk(self, request: web.Request) -> web.Response:
        bulk = msgspec.json.decode(await request.read(), type=Bulk)
        items = []
        for asked in bulk.transfers:
            entry, reason, _ = self._take(asked.client_ref, asked)
            items.append(BulkItem(transfer=entry.transfer if entry else None, reason=reason))
        return _answer(BulkResult(items))

    def _take(self, key: str, asked: NewTransfer) -> tuple[Entry | None, str, Conduct]:
        """The entry or the reason why there is none; a key seen within a day answers as before."""
        fresh = [entry for entry in self._entries if entry.key == key and self._age(entry) < REMEMBERS_KEYS_SECONDS]
        if key and fresh:
            same = fresh[-1].asked == asked
            return (fresh[-1], "", Conduct.ACCEPT) if same else (None, "key_used", Conduct.ACCEPT)
        conduct = self._conduct.get(asked.client_ref, self._conduct[""])
        if conduct in REASONS:
            return None, REASONS[conduct], conduct
        transfer = Transfer(
            id=f"tr_{len(self._entries)}",
            client_ref=asked.client_ref,
            state="open",
            cents=asked.cents,
            currency=asked.currency,
            to=asked.to,
        )
        self._entries.append(Entry(key=key, at=self._now(), asked=asked, transfer=transfer))
        return self._entries[-1], "", conduct

    async def _list(self, request: web.Request) -> web.Response:
        named = self._by_ref(request.query["client_ref"])
        return _answer(Listing([entry.transfer for entry in named if self._age(entry) >= SHOWS_AFTER_SECONDS]))

    async def _show(self, request: web.Request) -> web.Response:
        found = self._by_id(request.match_info["id"])
        return _answer(found.transfer) if found else _answer(Failure("no_such_transfer"), status=404)

    async def _withdraw(self, request: web.Request) -> web.Response:
        found = self._by_id(request.match_info["id"])
        if found is None:
            return _answer(Failure("no_such_transfer"), status=404)
        if found.transfer.state != "open":
            return _answer(Failure("already_sent"), status=409)
        return _answer(self._move(found, "withdrawn").transfer)

    async def _float(self, _request: web.Request) -> web.Response:
        return web.json_response({"EUR": 10**17 + 1})

    def _move(self, entry: Entry, state: str) -> Entry:
        moved = replace(entry, transfer=msgspec.structs.replace(entry.transfer, state=state))
        self._entries[self._entries.index(entry)] = moved
        return moved

    def _by_ref(self, rail_key: str) -> list[Entry]:
        return [entry for entry in self._entries if entry.asked.client_ref == rail_key]

    def _by_id(self, transfer_id: str) -> Entry | None:
        return next((entry for entry in self._entries if entry.transfer.id == transfer_id), None)

    def _now(self) -> float:
        return clock.monotonic() + self._passed_seconds

    def _age(self, entry: Entry) -> float:
        return self._now() - entry.at


class AcmeNotices:
    """Satisfies `rewardrails.testing.contract.NoticeMaker`."""

    def write(self, news: News) -> bytes:
        transfer = Transfer(
            id=news.provider_reference,
            client_ref=news.rail_key,
            state=STATES[news.status],
            cents=news.amount.amount_minor,
            currency=news.amount.asset,
            to=Recipient(type=news.destination.kind, account=news.destination.value, note=news.destination.memo),
        )
        return msgspec.json.encode(Notice(event=news.event, transfer=transfer))

    def sign(self, body: bytes, *, event: str, at: datetime, by: SignedBy) -> Mapping[str, str]:
        secret = WEBHOOK_SECRET if by is SignedBy.VENDOR else "somebody else's"
        return {HEADER: signature(secret, int(at.timestamp()), body)}


def _answer(body: msgspec.Struct, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
