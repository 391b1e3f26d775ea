"""What an ordinary day brings: success at once and later, failure, refusals that pass, waiting when told to wait."""

import pytest

from rewardrails import clock
from rewardrails.testing.fake_provider.journal import Refused
from tests.support.stage import Rail, on_stage


async def test_a_payout_settled_by_the_answer_is_paid(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage, stage.working():
        await stage.one.control.behave("settle")
        await stage.pay(*range(20))
        await stage.until_all("paid")
        await stage.assert_true_to_the_journals()
        assert (await stage.one.control.totals()).paid_minor_by_asset == {"EUR": 20_000}


async def test_an_accepted_payout_is_paid_when_the_webhook_says_so(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage, stage.working():
        await stage.one.control.hold_webhooks()
        await stage.pay(*range(5))
        await stage.until_all("pending")
        await stage.one.control.release_webhooks()

        await stage.until_all("paid")

        await stage.assert_true_to_the_journals()
        sources = await stage.rows("SELECT DISTINCT source FROM observation WHERE status = 'paid'")
        assert [row["source"] for row in sources] == ["webhook"]


@pytest.mark.promise("G2")
@pytest.mark.incident("I8")
async def test_a_payout_that_nobody_tells_of_is_paid_by_asking(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, Rail(first_sync_after=0.2)) as stage, stage.working():
        await stage.one.control.behave("never_notify")
        await stage.pay(*range(5))
        await stage.until_all("paid")
        await stage.assert_true_to_the_journals()


@pytest.mark.promise("G2", "G3")
async def test_a_failed_payout_gives_its_money_back(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, funded=5000) as stage, stage.working():
        await stage.one.control.behave("fail", code="destination_closed")
        await stage.pay(1)
        await stage.until_all("failed")
        await stage.assert_true_to_the_journals()
        (row,) = await stage.rows("SELECT balance::bigint AS left FROM account WHERE name = 'available'")
        assert row["left"] == 5000


@pytest.mark.promise("G1")
async def test_a_final_refusal_fails_and_accepts_nothing(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage, stage.working():
        await stage.one.control.behave("refuse", code="destination_invalid")
        await stage.pay(1)
        await stage.until_all("failed")
        await stage.assert_true_to_the_journals()
        assert (await stage.one.control.totals()).accepted == 0
        (row,) = await stage.rows("SELECT code FROM payout")
        assert row["code"] == "destination_invalid"


@pytest.mark.promise("G2", "G8")
async def test_an_empty_float_is_waited_out_without_spending_a_try(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage, stage.working():
        await stage.one.control.set_float("EUR", "0")
        await stage.pay(1)

        async def refused_often() -> bool:
            return sum(isinstance(record, Refused) for record in stage.journal()) >= 8

        await stage.until(refused_often, hurry=True)
        assert set(await stage.counts()) <= {"ready", "submitting"}
        await stage.one.control.set_float("EUR", None)

        await stage.until_all("paid", hurry=True)

        await stage.assert_true_to_the_journals()
        keys = [record.key for record in stage.journal() if isinstance(record, Refused)]
        assert len(set(keys)) == len(keys), "each new attempt has a key of its own"


@pytest.mark.promise("G1")
@pytest.mark.incident("I27")
async def test_an_unknown_refusal_is_an_unknown_outcome_until_a_lookup_proves_it_wrong(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, Rail(call_timeout=1.0)) as stage, stage.working():
        await stage.one.control.behave("refuse", code="a_code_of_tomorrow", times=1)
        await stage.pay(1)
        await stage.until_all("outcome_unknown")

        await stage.until_all("paid", hurry=True)

        await stage.assert_true_to_the_journals()
        assert await stage.rows("SELECT sends FROM attempt") == [(2,)], "the same attempt under the same key"


@pytest.mark.promise("G8")
async def test_a_payout_is_not_sent_before_retry_after_has_passed(tmp_path, database_dsn):
    rail = Rail(arguments=("--retry-after-seconds", "4"))
    async with on_stage(tmp_path, database_dsn, rail) as stage, stage.working():
        await stage.one.control.behave("rate_limit", times=1)
        begun = clock.monotonic()
        await stage.pay(1)
        await stage.until_all("paid")

        assert clock.monotonic() - begun >= 4.0
        await stage.assert_true_to_the_journals()
        (tries,) = await stage.rows("SELECT tries FROM payout")
        assert tries["tries"] == 0


@pytest.mark.promise("G2", "G3")
@pytest.mark.incident("I16", "I28")
async def test_money_that_comes_back_weeks_later_is_returned_to_the_pool(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, funded=5000) as stage, stage.working():
        (payout_id,) = await stage.pay(1)
        await stage.until_all("paid")

        await stage.one.control.send_back(f"{payout_id.hex}-1")
        await stage.until_all("returned")

        await stage.assert_true_to_the_journals()
        (row,) = await stage.rows("SELECT balance::bigint AS left FROM account WHERE name = 'available'")
        assert row["left"] == 5000


@pytest.mark.promise("G8")
async def test_no_more_orders_are_under_way_than_the_rail_takes(tmp_path, database_dsn):
    rail = Rail(more="max_in_flight = 2", call_timeout=1.0)
    async with on_stage(tmp_path, database_dsn, rail) as stage, stage.working(), stage.working():
        await stage.one.control.behave("hang", times=4)
        await stage.pay(*range(4))
        seen = set()

        async def all_known() -> bool:
            (row,) = await stage.rows("SELECT count(*) AS now FROM attempt WHERE state = 'sending'")
            seen.add(row["now"])
            return set(await stage.counts()) <= {"outcome_unknown"}

        await stage.until(all_known)
        assert max(seen) == 2
