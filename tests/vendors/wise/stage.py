"""An engine that pays over our double of Wise, and what its tests do with the two."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.reward import RewardRow
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine.core import Core
from rewardrails.engine.webhooks import store_notices, verify
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.wise.provider import WiseProvider
from rewardrails.secrets import Secret
from rewardrails.store.database import assert_no_transaction
from rewardrails.testing.contract import News, SignedBy
from rewardrails.worker.worker import Worker
from tests.support.season import CONFIG, opened_core, reward, states
from tests.vendors.wise.double import API_TOKEN, PROFILE, PUBLIC_KEY, Made, WiseDouble, WiseNotices

WITH_FEES = CONFIG.replace("[providers.two]", "[providers.one.fees]\nbasis_points = 500\n[providers.two]")
MOST_ATTEMPTS = 30
BY_EMAIL = {"EUR": {"type": "email", "fields": [{"key": "email", "validationRegexp": ".+@.+"}]}}


def provider_of(double: WiseDouble, *, call_timeout_seconds: float = 1.0, **settings: object) -> WiseProvider:
    told = {"base_url": double.url, "profile_id": PROFILE, "source_currency": "EUR", "webhook_public_key": PUBLIC_KEY}
    return WiseProvider(
        ProviderContext(
            name="one",
            environment=ProviderEnvironment.SANDBOX,
            settings=told | {"recipients": BY_EMAIL, "lookup_lag_seconds": 0.0} | settings,
            credentials={"api_token": Secret(API_TOKEN)},
            assets={"EUR": 2},
            fees=FeeSchedule(basis_points=500),
            call_timeout_seconds=call_timeout_seconds,
            http=HttpClient(guard=assert_no_transaction),
        )
    )


@asynccontextmanager
async def opened(
    dsn: str, *, call_timeout_seconds: float = 1.0, **settings: object
) -> AsyncIterator[tuple[Core, WiseDouble]]:
    async with WiseDouble() as double:
        provider = provider_of(double, call_timeout_seconds=call_timeout_seconds, **settings)
        try:
            async with opened_core(dsn, [provider], config=WITH_FEES) as core:
                yield core, double
        finally:
            await provider.close()


def rewards(count: int) -> list[RewardRow]:
    return [reward(number, memo=f"Player Number{number}") for number in range(count)]


def notice(made: Made, event: str, *, status: ObservedStatus = ObservedStatus.PAID, **extra: str) -> WebhookRequest:
    """What Wise says of a transfer; `extra` are headers of its own, with underscores."""
    at = clock.now()
    news = News(
        event=event,
        at=at,
        status=status,
        rail_key="",
        provider_reference=str(made.number),
        amount=None,  # type: ignore[arg-type] - its notices tell none
        destination=None,  # type: ignore[arg-type]
    )
    hand = WiseNotices(extra={name.replace("_", "-"): text for name, text in extra.items()})
    body = hand.write(news)
    return WebhookRequest(body=body, headers=hand.sign(body, event=event, at=at, by=SignedBy.VENDOR), received_at=at)


async def tell(core: Core, *notices: WebhookRequest) -> None:
    await store_notices(core, [verify(core, "one", one) for one in notices])


async def until(core: Core, wanted: set[str], *, seconds: float = 60) -> Counter[str]:
    async with asyncio.timeout(seconds):
        while not set(standing := Counter((await states(core)).values())) <= wanted:  # noqa: ASYNC110 - another task works
            await asyncio.sleep(0.05)
    return standing


@asynccontextmanager
async def working(core: Core) -> AsyncIterator[None]:
    worker = Worker(core)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await task


def transfers_of(double: WiseDouble, payout_id: UUID) -> Sequence[Made]:
    """Every transfer that any attempt of a payout made."""
    keys = [AttemptRef(payout_id=payout_id, attempt_no=number).rail_key for number in range(1, MOST_ATTEMPTS)]
    return [made for key in keys for made in double.made(key)]


def paid_for(double: WiseDouble, payouts: Mapping[UUID, str]) -> dict[UUID, int]:
    """How often Wise was paid for each payout."""
    return {payout: sum(made.paid_for for made in transfers_of(double, payout)) for payout in payouts}
