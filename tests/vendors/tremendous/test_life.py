"""Payouts over Tremendous through the whole engine: its journal says whether anybody was paid twice, or not at all."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from uuid import UUID

import pytest

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine.core import Core
from rewardrails.engine.webhooks import apply_notices, store_notices, verify
from rewardrails.errors import ErrorCode, WebhookRefused
from rewardrails.ledger.invariants import verify as verify_books
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.tremendous.provider import TremendousProvider
from rewardrails.secrets import Secret
from rewardrails.store.database import assert_no_transaction
from rewardrails.testing.contract import Conduct, News, SignedBy
from rewardrails.worker.worker import Worker
from tests.support.season import opened_core, request, reward, send_all, states
from tests.vendors.tremendous.double import (
    API_KEY,
    CAMPAIGN,
    FUNDING_SOURCE,
    WEBHOOK_KEY,
    TremendousDouble,
    TremendousNotices,
)

pytestmark = [pytest.mark.promise("G1", "G2", "G3")]


def provider_of(double: TremendousDouble, **settings: object) -> TremendousProvider:
    return TremendousProvider(
        ProviderContext(
            name="one",
            environment=ProviderEnvironment.SANDBOX,
            settings={"base_url": double.url, "funding_source_id": FUNDING_SOURCE, "campaign_id": CAMPAIGN} | settings,
            credentials={"api_key": Secret(API_KEY), "webhook_private_key": Secret(WEBHOOK_KEY)},
            assets={"EUR": 2},
            call_timeout_seconds=1.0,
            http=HttpClient(guard=assert_no_transaction),
        )
    )


@asynccontextmanager
async def opened(dsn: str, **settings: object) -> AsyncIterator[tuple[Core, TremendousDouble]]:
    async with TremendousDouble() as double:
        provider = provider_of(double, **settings)
        try:
            async with opened_core(dsn, [provider]) as core:
                yield core, double
        finally:
            await provider.close()


async def tell(core: Core, double: TremendousDouble, number: int, event: str, *, kind: str = "rewards") -> None:
    """Have Tremendous say that something happened to the payout it took as its `number`th."""
    taken = double.taken[number]
    news = News(
        event=event,
        at=clock.now(),
        status=ObservedStatus.PAID,
        rail_key="",
        provider_reference=taken.reward_id if kind == "rewards" else taken.order_id,
        amount=None,  # type: ignore[arg-type] - its notices tell none
        destination=None,  # type: ignore[arg-type]
    )
    body = TremendousNotices().write(news).replace(b'"type": "rewards"', b'"type": "%s"' % kind.encode())
    headers = TremendousNotices().sign(body, event=event, at=news.at, by=SignedBy.VENDOR)
    await store_notices(core, [verify(core, "one", WebhookRequest(body=body, headers=headers, received_at=news.at))])


async def until(core: Core, wanted: set[str]) -> Counter[str]:
    async with asyncio.timeout(30):
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


async def test_a_thin_notice_is_enough_to_see_a_delivery_at_once(database_dsn):
    async with opened(database_dsn, first_sync_after_seconds=3600.0) as (core, double):
        (result,) = await request(core, [reward(1)])
        async with working(core):
            await until(core, {"pending"})
            await double.move(double.taken[0].body["external_id"], ObservedStatus.PAID)
            await tell(core, double, 0, "evt-1")
            await until(core, {"paid"})

        assert double.taken[0].body["reward"]["value"] == {"denomination": Decimal("10.00"), "currency_code": "EUR"}
        assert double.taken[0].body["reward"]["recipient"] == {"email": "player1@example.org"}
        assert (await verify_books(core.database)).balances
        assert result.payout_id


@pytest.mark.incident("I2", "I9")
async def test_no_lost_late_or_refused_answer_pays_twice_or_loses_a_payout(database_dsn, trials):
    troubles = (Conduct.ACCEPT, Conduct.LOSE_REPLY, Conduct.ANSWER_LATE, Conduct.REFUSE, Conduct.REFUSE_STRANGELY)
    async with opened(database_dsn, first_sync_after_seconds=0.2) as (core, double):
        results = await request(core, [reward(number) for number in range(50)])
        for number, result in enumerate(results):
            await double.behave(troubles[number % len(troubles)], rail_key=f"{result.payout_id.hex}-1")
        async with working(core):
            await until(core, {"pending", "failed", "outcome_unknown"})
            for conduct_of in results:
                await double.behave(Conduct.ACCEPT, rail_key=f"{conduct_of.payout_id.hex}-1")
            await until(core, {"pending", "failed"})
            for one in double.taken:
                await double.move(one.body["external_id"], ObservedStatus.PAID)
            await until(core, {"paid", "failed"})

        paid = {payout.hex for payout, state in (await states(core)).items() if state == "paid"}
        journal = Counter(UUID(one.body["external_id"].partition("-")[0]).hex for one in double.taken)
        assert set(journal) == paid
        assert max(journal.values()) == 1
        assert len(paid) == 40
        assert (await verify_books(core.database)).balances
        trials(len(results))


async def test_a_bounced_e_mail_waits_for_people_and_a_canceled_order_gives_the_money_back(database_dsn):
    async with opened(database_dsn, first_sync_after_seconds=0.2) as (core, double):
        await request(core, [reward(1), reward(2)])
        await send_all(core)
        bounced, canceled = double.taken
        bounced.delivery = "FAILED"
        canceled.status = "CANCELED"
        async with working(core):
            standing = await until(core, {"pending", "canceled"})
            while standing != {"pending": 1, "canceled": 1}:
                standing = await until(core, {"pending", "canceled"})
                await asyncio.sleep(0.05)

        assert (await verify_books(core.database)).balances


async def test_an_empty_account_stops_the_rail_and_spends_no_try(database_dsn):
    async with opened(database_dsn) as (core, double):
        double.available_cents = 0
        await request(core, [reward(1)])
        await send_all(core)

        async with core.database.reading() as connection:
            row = await connection.fetchrow("SELECT state, code, tries FROM payout")
        assert tuple(row) == ("ready", ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, 0)


async def test_an_order_event_is_taken_and_moves_nothing(database_dsn):
    async with opened(database_dsn) as (core, double):
        await request(core, [reward(1)])
        await send_all(core)
        await tell(core, double, 0, "evt-order", kind="orders")

        assert await apply_notices(core, 10) == 1
        assert list((await states(core)).values()) == ["pending"]


async def test_a_notice_that_happened_long_ago_is_refused(database_dsn):
    async with opened(database_dsn) as (core, _):
        body = (
            b'{"event":"REWARDS.CANCELED","uuid":"e","created_utc":"2020-01-01T00:00:00Z",'
            b'"payload":{"resource":{"id":"REWARD000000","type":"rewards"}}}'
        )
        headers = TremendousNotices().sign(body, event="e", at=clock.now(), by=SignedBy.VENDOR)

        with pytest.raises(WebhookRefused) as refused:
            verify(core, "one", WebhookRequest(body=body, headers=headers, received_at=clock.now()))

        assert refused.value.code is ErrorCode.WEBHOOK_STALE
