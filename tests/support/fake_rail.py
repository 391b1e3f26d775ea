"""The fake provider's process with its adapter, and a receiver for its webhooks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from aiohttp import web

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.context import ProviderContext, SettingValue
from rewardrails.providers.fake.provider import FakeProvider
from rewardrails.providers.http import HttpClient
from rewardrails.secrets import Secret
from rewardrails.testing.fake_provider.client import FakeProviderProcess

CALL_TIMEOUT_SECONDS = 10.0
HASTY_SECONDS = 1.0
PATIENCE_SECONDS = 15.0
USD = Money(amount_minor=1250, asset="USD")
FAST = ("--settle-seconds", "0.05", "--return-seconds", "0.1", "--late-seconds", "2.5", "--slow-seconds", "0.5")


@dataclass
class Mailbox:
    """A webhook receiver; `answers` are the statuses it gives before it turns to 204."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: asyncio.Queue[WebhookRequest] = field(default_factory=asyncio.Queue)

    async def take(self) -> WebhookRequest:
        return await asyncio.wait_for(self.received.get(), PATIENCE_SECONDS)

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        self.received.put_nowait(WebhookRequest(body=body, headers=headers, received_at=datetime.now(UTC)))
        return web.Response(status=self.answers.pop(0) if self.answers else 204)


@asynccontextmanager
async def running(folder: Path, *arguments: str) -> AsyncIterator[FakeProviderProcess]:
    async with FakeProviderProcess(folder / "provider", arguments=(*FAST, *arguments)) as started:
        yield started


@asynccontextmanager
async def connected(
    process: FakeProviderProcess, *, patience_seconds: float = CALL_TIMEOUT_SECONDS, **settings: SettingValue
) -> AsyncIterator[FakeProvider]:
    provider = FakeProvider(
        ProviderContext(
            name="fake-test",
            environment=ProviderEnvironment.SANDBOX,
            settings={"base_url": process.url, **settings},
            credentials={"api_token": Secret(process.token), "webhook_secret": Secret(process.webhook_secret)},
            assets={"USD": 2, "TON": 9, "GEM": 0},
            call_timeout_seconds=patience_seconds,
            http=HttpClient(),
        )
    )
    yield provider
    await provider.close()


def order(payout: UUID | None = None, *, attempt_no: int = 1, amount: Money = USD) -> Order:
    return Order(
        ref=AttemptRef(payout_id=payout or uuid4(), attempt_no=attempt_no),
        amount=amount,
        destination=Destination(kind="iban", value="DE89370400440532013000", memo="season 7"),
        player_id="player-1",
        campaign="season-7",
        jurisdiction="DE",
        fee_ceiling=Money(amount_minor=0, asset=amount.asset),
    )


def reference(of: Order, provider_reference: str = "") -> Reference:
    return Reference(ref=of.ref, provider_reference=provider_reference, amount=of.amount)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask again until it holds; the process has no other way to tell us."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


async def accepted_of(process: FakeProviderProcess, sent: Order) -> int:
    """How many creations the provider has accepted for this payout."""
    return (await process.control.totals()).accepted_by_payout.get(sent.ref.payout_id.hex, 0)
