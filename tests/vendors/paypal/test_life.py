"""Payouts over PayPal through the whole engine: its journal says whether anybody was paid twice, or not at all."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from rewardrails import clock, ids
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine.core import Core
from rewardrails.engine.webhooks import apply_notices, fetch_keys, store_notices, verify
from rewardrails.errors import ErrorCode, WebhookRefused
from rewardrails.ledger.invariants import verify as verify_books
from rewardrails.testing.contract import Conduct, SignedBy
from rewardrails.worker.worker import Worker
from tests.api.client import running_api
from tests.support.season import opened_core, pool, request, reward, send_all, states
from tests.vendors.paypal.account import provider_of
from tests.vendors.paypal.double import PayPalDouble, Taken, item_of
from tests.vendors.paypal.notices import CERTIFICATE_PATH, PayPalNotices, batch_event, item_event

pytestmark = [pytest.mark.promise("G1", "G2", "G3")]


@asynccontextmanager
async def opened(dsn: str, **settings: object) -> AsyncIterator[tuple[Core, PayPalDouble]]:
    async with PayPalDouble() as double:
        provider = provider_of(double, **settings)
        try:
            async with opened_core(dsn, [provider]) as core:
                yield core, double
        finally:
            await provider.close()


async def deliver(core: Core, double: PayPalDouble, body: bytes) -> None:
    """Have PayPal deliver a notice, as the door takes it."""
    now = clock.now()
    notices = PayPalNotices(double.url + CERTIFICATE_PATH)
    headers = notices.sign(body, event=ids.new_id().hex, at=now, by=SignedBy.VENDOR)
    request_ = WebhookRequest(body=body, headers=headers, received_at=now)
    await fetch_keys(core, "one", request_)
    await store_notices(core, [verify(core, "one", request_)])


def news_of(taken: Taken, event: str, name: str = "") -> bytes:
    """The notice of an item as it stands."""
    return item_event(name or f"WH-{ids.new_id().hex}", event, item_of(taken) | {"sender_batch_id": taken.key})


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


@pytest.mark.incident("I2", "I9")
async def test_no_lost_late_or_refused_answer_pays_twice_or_loses_a_payout(database_dsn, trials):
    troubles = (Conduct.ACCEPT, Conduct.LOSE_REPLY, Conduct.ANSWER_LATE, Conduct.REFUSE, Conduct.REFUSE_STRANGELY)
    async with opened(database_dsn, first_sync_after_seconds=0.2) as (core, double):
        results = await request(core, [reward(number) for number in range(50)])
        for number, result in enumerate(results):
            await double.behave(troubles[number % len(troubles)], rail_key=f"{result.payout_id.hex}-1")
        async with working(core):
            await until(core, {"pending", "failed", "outcome_unknown"})
            for one in double.taken:
                await double.move(one.key, ObservedStatus.PAID)
                await deliver(core, double, news_of(one, "SUCCEEDED"))
            standing = await until(core, {"paid", "failed", "outcome_unknown"})
            while standing["paid"] < 30:
                standing = await until(core, {"paid", "failed", "outcome_unknown"})
                await asyncio.sleep(0.05)

        paid = {payout.hex for payout, state in (await states(core)).items() if state == "paid"}
        journal = Counter(UUID(one.key.partition("-")[0]).hex for one in double.taken)
        assert set(journal) == paid
        assert max(journal.values()) == 1
        assert standing == {"paid": 30, "failed": 10, "outcome_unknown": 10}
        assert (await verify_books(core.database)).balances
        trials(len(results))


@pytest.mark.parametrize("kind", ["item", "batch"])
async def test_a_notice_tells_the_name_of_a_batch_whose_answer_was_lost(database_dsn, kind):
    async with opened(database_dsn, first_sync_after_seconds=0.2) as (core, double):
        await double.behave(Conduct.LOSE_REPLY)
        await request(core, [reward(1)])
        await send_all(core)
        assert list((await states(core)).values()) == ["outcome_unknown"]
        (taken,) = double.taken
        header = {
            "payout_batch_id": taken.batch_id,
            "batch_status": "PROCESSING",
            "sender_batch_header": {"sender_batch_id": taken.key},
        }
        batch = batch_event("WH-B", "PROCESSING", header)
        await deliver(core, double, news_of(taken, "UNCLAIMED") if kind == "item" else batch)
        await apply_notices(core, 10)
        assert list((await states(core)).values()) == ["pending"]

        taken.item_status = "SUCCESS"
        async with working(core):
            await until(core, {"paid"})

        assert len(double.taken) == 1


async def test_notices_in_any_order_and_twice_end_in_paypal_s_truth(database_dsn):
    async with opened(database_dsn) as (core, double):
        await request(core, [reward(1)])
        await send_all(core)
        (taken,) = double.taken
        late = news_of(taken, "UNCLAIMED", "WH-early")
        taken.item_status = "SUCCESS"
        for body in (news_of(taken, "SUCCEEDED", "WH-paid"), late, late, news_of(taken, "SUCCEEDED", "WH-paid")):
            await deliver(core, double, body)
            await apply_notices(core, 10)
        async with core.database.reading() as connection:
            kept = await connection.fetchval("SELECT count(*) FROM webhook_inbox")

        assert list((await states(core)).values()) == ["paid"]
        assert kept == 2
        assert (await pool(core))["paid"] == 1000


@pytest.mark.parametrize("back", ["RETURNED", "REFUNDED", "REVERSED"])
async def test_what_comes_back_after_it_was_paid_is_a_return(database_dsn, back):
    async with opened(database_dsn) as (core, double):
        await request(core, [reward(1)])
        await send_all(core)
        (taken,) = double.taken
        for status, event in (("SUCCESS", "SUCCEEDED"), (back, back)):
            taken.item_status = status
            await deliver(core, double, news_of(taken, event))
            await apply_notices(core, 10)

        assert list((await states(core)).values()) == ["returned"]
        assert "paid" not in await pool(core)
        assert (await verify_books(core.database)).balances


async def test_what_nobody_claims_for_thirty_days_gives_the_money_back(database_dsn):
    async with opened(database_dsn, first_sync_after_seconds=0.2) as (core, double):
        await request(core, [reward(1)])
        await send_all(core)
        await double.advance(31 * 86_400)
        async with working(core):
            await until(core, {"failed"})

        async with core.database.reading() as connection:
            assert await connection.fetchval("SELECT code FROM payout") == ErrorCode.RETURNED
        assert (await verify_books(core.database)).balances


@pytest.mark.promise("G4")
async def test_a_notice_about_another_amount_is_quarantined(database_dsn):
    async with opened(database_dsn) as (core, double):
        await request(core, [reward(1)])
        await send_all(core)
        (taken,) = double.taken
        taken.item_status = "SUCCESS"
        body = news_of(taken, "SUCCEEDED").replace(b'"value": "10.00"', b'"value": "10.01"')
        await deliver(core, double, body)
        await apply_notices(core, 10)

        async with core.database.reading() as connection:
            row = await connection.fetchrow("SELECT state::text AS state, code FROM webhook_inbox")
        assert tuple(row) == ("quarantined", ErrorCode.WEBHOOK_SUBJECT_MISMATCH)
        assert list((await states(core)).values()) == ["pending"]


async def test_an_empty_account_stops_the_rail_and_spends_no_try(database_dsn):
    async with opened(database_dsn) as (core, double):
        double.available["EUR"] *= 0
        await request(core, [reward(1)])
        await send_all(core)

        async with core.database.reading() as connection:
            row = await connection.fetchrow("SELECT state, code, tries FROM payout")
        assert tuple(row) == ("ready", ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, 0)


async def test_a_notice_that_was_signed_long_ago_is_refused(database_dsn):
    async with opened(database_dsn) as (core, double):
        await request(core, [reward(1)])
        await send_all(core)
        body = news_of(double.taken[0], "SUCCEEDED")
        headers = PayPalNotices(double.url + CERTIFICATE_PATH).sign(
            body, event="e", at=clock.now().replace(year=2020), by=SignedBy.VENDOR
        )

        with pytest.raises(WebhookRefused) as refused:
            verify(core, "one", WebhookRequest(body=body, headers=headers, received_at=clock.now()))

        assert refused.value.code is ErrorCode.WEBHOOK_STALE


async def test_the_door_fetches_the_certificate_of_a_notice_and_refuses_a_stranger_s(database_dsn):
    async with opened(database_dsn) as (core, double), running_api(core) as api:
        await request(core, [reward(1)])
        await send_all(core)
        double.taken[0].item_status = "SUCCESS"
        body = news_of(double.taken[0], "SUCCEEDED")
        notices = PayPalNotices(double.url + CERTIFICATE_PATH)
        answers = []
        for by in (SignedBy.STRANGER, SignedBy.VENDOR, SignedBy.VENDOR):
            headers = dict(notices.sign(body, event="e", at=clock.now(), by=by))
            answers.append(await api.post("/v1/webhooks/one", raw=body, headers=headers, key=None, token=""))
        await apply_notices(core, 10)

        assert [answer.status for answer in answers] == [401, 200, 200]
        assert double.certificates_given == 1
        assert list((await states(core)).values()) == ["paid"]
