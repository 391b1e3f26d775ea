"""Webhooks from a real provider to the real API: twice, late, out of order, about something else, and forged."""

from collections.abc import Mapping

import aiohttp
import pytest
from standardwebhooks import Webhook

from rewardrails import clock
from rewardrails.testing.fake_provider.journal import Noticed
from tests.support.stage import Rail, Stage, on_stage

OTHER_SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk"


async def inbox(stage: Stage) -> set[tuple[str, str | None]]:
    return {(row["state"], row["code"]) for row in await stage.rows("SELECT state, code FROM webhook_inbox")}


def signed(secret: str, event: str, body: str) -> dict[str, str]:
    at = clock.now()
    return {
        "webhook-id": event,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event, at, body),
    }


async def deliver(stage: Stage, body: str, headers: Mapping[str, str], provider: str = "one") -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stage.api}/v1/webhooks/{provider}", data=body.encode(), headers=headers) as answer,
    ):
        return answer.status


@pytest.mark.promise("G4")
@pytest.mark.incident("I12")
async def test_a_webhook_that_comes_twice_counts_once(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage, stage.working():
        await stage.one.control.behave("duplicate_webhook")
        await stage.pay(*range(10))
        await stage.until_all("paid")

        async def delivered_twice() -> bool:
            return (await stage.one.control.totals()).delivered_webhooks == 10 and len(
                await stage.rows("SELECT 1 FROM webhook_inbox WHERE state = 'applied'")
            ) == 10

        await stage.until(delivered_twice)
        await stage.assert_true_to_the_journals()
        (once,) = await stage.rows("SELECT count(*) AS n FROM event WHERE type = 'payout.paid'")
        assert once["n"] == 10


@pytest.mark.promise("G4")
async def test_news_from_before_does_not_undo_what_came_after(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage, stage.working():
        await stage.one.control.behave("out_of_order")
        await stage.pay(*range(10))
        await stage.until_all("paid")

        async def both_came() -> bool:
            return len(await stage.rows("SELECT 1 FROM webhook_inbox WHERE state = 'applied'")) == 20

        await stage.until(both_came)
        await stage.assert_true_to_the_journals()
        assert await stage.counts() == {"paid": 10}


@pytest.mark.promise("G4")
@pytest.mark.incident("I24")
async def test_a_webhook_about_another_amount_moves_nothing(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage, stage.working():
        await stage.one.control.behave("wrong_amount")
        await stage.pay(1)
        await stage.until_told()

        async def quarantined() -> bool:
            return await inbox(stage) == {("quarantined", "webhook_subject_mismatch")}

        await stage.until(quarantined)
        assert await stage.counts() == {"pending": 1}
        await stage.until_all("paid", hurry=True)
        await stage.assert_true_to_the_journals()


@pytest.mark.promise("G4")
async def test_a_webhook_about_a_payout_that_is_not_ours_moves_nothing(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage, stage.working():
        await stage.one.control.behave("other_payout")
        await stage.pay(1)
        await stage.until_told()

        async def unmatched() -> bool:
            return await inbox(stage) == {("waiting", "not_found")}

        await stage.until(unmatched)
        assert await stage.counts() == {"pending": 1}


@pytest.mark.promise("G4")
async def test_a_webhook_that_comes_after_the_question_changes_nothing(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage, stage.working():
        await stage.one.control.hold_webhooks()
        await stage.pay(*range(5))
        await stage.until_all("paid", hurry=True)
        versions = await stage.rows("SELECT id, version FROM payout ORDER BY id")

        await stage.one.control.release_webhooks()
        await stage.until_told()

        assert await stage.rows("SELECT id, version FROM payout ORDER BY id") == versions
        late = await stage.rows("SELECT effect FROM observation WHERE source = 'webhook'")
        assert [row["effect"] for row in late] == ["no_change"] * 5
        await stage.assert_true_to_the_journals()


@pytest.mark.promise("G2")
async def test_webhooks_that_came_while_nobody_worked_are_not_lost(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage:
        async with stage.working():
            await stage.one.control.hold_webhooks()
            await stage.pay(*range(5))
            await stage.until_all("pending")
        await stage.one.control.release_webhooks()

        async def all_received() -> bool:
            return (await stage.one.control.totals()).pending_webhooks == 0

        await stage.until(all_received)
        assert await stage.counts() == {"pending": 5}
        async with stage.working():
            await stage.until_all("paid")
        await stage.assert_true_to_the_journals()


@pytest.mark.promise("G4")
async def test_a_forged_webhook_is_refused_and_leaves_no_trace(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, Rail(), Rail(name="two")) as stage, stage.working():
        await stage.one.control.behave("fail", code="destination_closed")
        await stage.one.control.hold_webhooks()
        await stage.pay(1)

        async def failed_there() -> bool:
            return any(isinstance(record, Noticed) for record in stage.journal())

        await stage.until(failed_there)
        await stage.until_all("pending")
        (notice,) = [record for record in stage.journal() if isinstance(record, Noticed)]
        lie = notice.body.replace('"failed"', '"paid"')
        true = signed(stage.one.webhook_secret, notice.event, notice.body)
        old = {**true, "webhook-timestamp": str(int(true["webhook-timestamp"]) - 4000)}
        forgeries = [
            (lie, true),
            (notice.body, {**true, "webhook-id": "evt_other"}),
            (notice.body, old),
            (notice.body, {**true, "webhook-signature": "v1,"}),
            (notice.body, {name: value for name, value in true.items() if name != "webhook-signature"}),
            (notice.body + " ", true),
            (lie, signed(OTHER_SECRET, notice.event, lie)),
            (lie, signed(stage.rails["two"].webhook_secret, notice.event, lie)),
            (lie, {}),
        ]

        statuses = [await deliver(stage, body, headers) for body, headers in forgeries]

        assert all(400 <= status < 500 for status in statuses), statuses
        assert await inbox(stage) == set()
        assert await stage.counts() == {"pending": 1}
        assert await deliver(stage, notice.body, true) == 200
        await stage.until_all("failed")


@pytest.mark.promise("G4", "G7")
@pytest.mark.incident("I22")
async def test_a_provider_cannot_speak_of_another_ones_payouts(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, Rail(), Rail(name="two")) as stage, stage.working():
        await stage.one.control.hold_webhooks()
        await stage.pay(1)

        async def paid_there() -> bool:
            return any(isinstance(record, Noticed) for record in stage.journal())

        await stage.until(paid_there)
        (notice,) = [record for record in stage.journal() if isinstance(record, Noticed)]
        headers = signed(stage.rails["two"].webhook_secret, notice.event, notice.body)
        await stage.until_all("pending")

        assert await deliver(stage, notice.body, headers, provider="two") == 200

        async def quarantined() -> bool:
            return await inbox(stage) == {("quarantined", "webhook_subject_mismatch")}

        await stage.until(quarantined)
        assert await stage.counts() == {"pending": 1}


@pytest.mark.promise("G2", "G3")
@pytest.mark.incident("I16")
@pytest.mark.parametrize("status", ["failed", "returned"])
async def test_a_paid_payout_that_the_provider_takes_back_is_returned(tmp_path, database_dsn, status):
    async with on_stage(tmp_path, database_dsn) as stage, stage.working():
        (payout_id,) = await stage.pay(1)
        await stage.until_all("paid")
        await stage.one.control.move(f"{payout_id.hex}-1", status, code="returned_by_bank")
        await stage.until_all("returned")
        await stage.assert_true_to_the_journals()
