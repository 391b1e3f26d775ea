"""What the provider lists against what we have: counted in the fake's own journal."""

from datetime import timedelta

import pytest

from rewardrails import clock, ids
from rewardrails.bootstrap import opened
from rewardrails.domain.statement import FindingKind
from rewardrails.engine.findings import FindingFilter, close_finding, list_findings, read_finding
from rewardrails.engine.reconcile import Run, ask_for, list_runs, reconcile
from rewardrails.engine.reconcile_due import reconcile_due
from rewardrails.errors import FieldInvalid, NotFound, RewardRailsError, StateConflict
from rewardrails.testing.fake_provider.journal import Accepted
from tests.integration.reconcile.behind import AT_ONCE, pay_behind, pay_many_behind
from tests.support.stage import Rail, Stage, on_stage

MANY = 10_000


async def run(stage: Stage) -> Run:
    return await reconcile(stage.core, "one", actor="test")


async def kinds(stage: Stage) -> list[tuple[FindingKind, str]]:
    return [(one.kind, one.subject) for one in await list_findings(stage.core)]


async def paid(stage: Stage, *numbers: int) -> None:
    await stage.one.control.behave("settle")
    async with stage.working():
        await stage.pay(*numbers)
        await stage.until_all("paid")


async def test_what_both_have_is_matched_and_no_finding(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, *range(20))

        found = await run(stage)

        assert (found.state, found.items, found.matched, found.found, found.opened) == ("done", 20, 20, 0, 0)
        assert await kinds(stage) == []
        assert await stage.rows("SELECT 1 FROM statement_item") == []


@pytest.mark.promise("G1")
async def test_a_payment_made_behind_our_back_is_found(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, 1, 2)
        behind = await pay_behind(stage, key="somebody", reference="invoice 7")

        found = await run(stage)

        assert (found.items, found.matched, found.opened) == (3, 2, 1)
        assert await kinds(stage) == [(FindingKind.NOT_OURS, behind)]
        (finding,) = await list_findings(stage.core)
        assert (finding.theirs["amount_minor"], finding.theirs["reference"]) == ("700", "invoice 7")
        assert finding.payout_id is None


@pytest.mark.promise("G1")
async def test_a_payment_in_our_name_that_we_never_made_is_missing_here(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, 1)
        behind = await pay_behind(stage, key="somebody", reference=f"{ids.new_id().hex}-1")

        await run(stage)

        assert await kinds(stage) == [(FindingKind.MISSING_HERE, behind)]


@pytest.mark.promise("G1")
async def test_a_payout_paid_again_behind_our_back_is_found(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, 1)
        (record,) = [one for one in stage.journal() if isinstance(one, Accepted)]
        again = await pay_behind(stage, key="another", reference=record.reference, amount="10.00")

        await run(stage)

        assert await kinds(stage) == [(FindingKind.PAID_TWICE, again)]
        (finding,) = await list_findings(stage.core)
        assert finding.payout_id == stage.payouts[0]


async def test_what_we_say_is_paid_and_is_not_there_is_found(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, 1, 2)
        lost = stage.payouts[1]
        await stage.rows(
            "UPDATE attempt SET payout_id = $2, provider_reference = 'nobody' WHERE payout_id = $1 RETURNING 1",
            lost,
            made_up := ids.new_id(),
        )
        await stage.rows("UPDATE payout SET id = $2 WHERE id = $1 RETURNING 1", lost, made_up)

        await run(stage)

        assert {kind for kind, _ in await kinds(stage)} == {FindingKind.MISSING_THERE, FindingKind.MISSING_HERE}
        missing = next(one for one in await list_findings(stage.core) if one.kind is FindingKind.MISSING_THERE)
        assert (missing.payout_id, missing.theirs, missing.ours["attempt_state"]) == (made_up, {}, "settled")


async def test_another_amount_is_found_with_both_sides(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, 1, 2)
        record = next(one for one in stage.journal() if isinstance(one, Accepted))
        await stage.one.control.disguise(record.reference, amount="99.99")

        await run(stage)

        (finding,) = await list_findings(stage.core)
        assert (finding.kind, finding.subject) == (FindingKind.AMOUNT_DIFFERS, record.id)
        assert (finding.theirs["amount_minor"], finding.ours["amount_minor"]) == ("9999", "1000")


async def test_another_fee_is_found(tmp_path, database_dsn):
    charging = Rail(more=AT_ONCE.more, arguments=("--fee-basis-points", "100"), fee_basis_points=100)
    async with on_stage(tmp_path, database_dsn, charging) as stage:
        await paid(stage, 1)
        await stage.rows("UPDATE payout SET fee = 3 RETURNING 1")

        await run(stage)

        (finding,) = await list_findings(stage.core)
        assert finding.kind is FindingKind.FEE_DIFFERS
        assert (finding.theirs["fee_minor"], finding.ours["fee_minor"]) == ("10", "3")


async def test_what_came_back_there_and_stands_here_is_found(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, 1)
        record = next(one for one in stage.journal() if isinstance(one, Accepted))
        await stage.one.control.move(record.reference, "returned", notify=False)

        await run(stage)

        (finding,) = await list_findings(stage.core)
        assert finding.kind is FindingKind.STATE_DIFFERS
        assert (finding.theirs["status"], finding.ours["attempt_state"]) == ("returned", "settled")


async def test_two_runs_find_a_thing_once(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await pay_behind(stage, key="somebody", reference="invoice 7")

        first, second = await run(stage), await run(stage)

        assert (first.opened, second.opened, second.found) == (1, 0, 1)
        (finding,) = await list_findings(stage.core)
        assert (finding.first_run, finding.last_run) == (first.id, second.id)
        events = await stage.rows("SELECT type FROM event WHERE subject_id = $1", finding.id)
        assert [row["type"] for row in events] == ["finding.opened"]


async def test_a_finding_closes_by_itself_only_when_it_is_seen_to_match(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, 1)
        record = next(one for one in stage.journal() if isinstance(one, Accepted))
        await stage.one.control.disguise(record.reference, amount="99.99")
        await run(stage)
        (finding,) = await list_findings(stage.core)

        before = await reconcile(stage.core, "one", actor="test", end=clock.now() - timedelta(hours=1))
        assert (before.closed, (await read_finding(stage.core, finding.id)).closed_at) == (0, None)
        await stage.one.control.disguise(record.reference, amount="10.00")
        after = await run(stage)

        assert after.closed == 1
        closed = await read_finding(stage.core, finding.id)
        assert (closed.closed_by, closed.last_run) == ("reconciliation", after.id)


async def test_what_a_person_closed_stays_closed_until_it_is_another_difference(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, 1)
        record = next(one for one in stage.journal() if isinstance(one, Accepted))
        await stage.one.control.disguise(record.reference, amount="99.99")
        await run(stage)
        (finding,) = await list_findings(stage.core)

        with pytest.raises(FieldInvalid):
            await close_finding(stage.core, finding.id, reason=" ", actor="ann")
        closed = await close_finding(stage.core, finding.id, reason="their display is wrong", actor="ann")
        assert (closed.closed_by, closed.reason) == ("ann", "their display is wrong")
        with pytest.raises(StateConflict):
            await close_finding(stage.core, finding.id, reason="once more", actor="bob")

        assert (await run(stage)).opened == 0
        await stage.one.control.disguise(record.reference, amount="55.55")
        assert (await run(stage)).opened == 1
        assert len(await list_findings(stage.core, FindingFilter(is_open=None))) == 2


async def test_nothing_is_corrected_by_a_run(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, 1)
        record = next(one for one in stage.journal() if isinstance(one, Accepted))
        await stage.one.control.move(record.reference, "failed", notify=False)
        money = "SELECT name, balance::bigint AS balance FROM account ORDER BY name, pool_id"
        before = (await stage.states(), await stage.rows(money))

        await run(stage)

        assert (await stage.states(), await stage.rows(money)) == before


async def test_what_was_sent_a_moment_ago_is_not_missing_yet(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, Rail(more="reconcile = { margin_hours = 1.0 }")) as stage:
        await paid(stage, 1)
        await stage.rows("UPDATE attempt SET provider_reference = 'nobody', submission_key = 'x' RETURNING 1")
        behind = await pay_behind(stage, key="somebody", reference="invoice 7")

        found = await run(stage)

        assert (found.items, found.opened) == (2, 0), f"{behind} is too young to be told"


async def test_a_list_that_ends_in_the_middle_is_compared_with_nothing(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, 1)
        await stage.one.control.outage("unavailable")

        with pytest.raises(RewardRailsError):
            await run(stage)

        (failed,) = await list_runs(stage.core)
        assert (failed.state, failed.code) == ("failed", "provider_unavailable")
        assert await kinds(stage) == []


async def test_one_run_of_a_provider_at_a_time(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        waiting = await ask_for(stage.core, "one", actor="ann")

        with pytest.raises(StateConflict):
            await run(stage)
        assert await reconcile_due(stage.core) == 1

        (done,) = await list_runs(stage.core)
        assert (done.id, done.state, done.started_by) == (waiting.id, "done", "ann")
        with pytest.raises(NotFound):
            await reconcile(stage.core, "nobody", actor="test")


async def test_a_worker_reconciles_by_the_clock(tmp_path, database_dsn):
    scheduled = Rail(more="reconcile = { margin_hours = 0.0, every_hours = 24.0 }")
    async with on_stage(tmp_path, database_dsn, scheduled) as stage:
        await pay_behind(stage, key="somebody", reference="invoice 7")

        assert [await reconcile_due(stage.core) for _ in range(2)] == [1, 0]

        (done,) = await list_runs(stage.core)
        assert (done.state, done.opened) == ("done", 1)


async def test_a_run_whose_process_died_is_given_up(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await ask_for(stage.core, "one", actor="ann")
        await stage.rows(
            "UPDATE reconciliation SET state = 'running', seen_at = rr_now() - interval '1 day' RETURNING 1"
        )

        assert await reconcile_due(stage.core) == 0

        (failed,) = await list_runs(stage.core)
        assert failed.state == "failed"
        assert (await run(stage)).state == "done"


async def test_ten_thousand_payouts_that_are_missing_there_take_a_handful_of_statements(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, *range(100))
        await stage.rows(COPIES, MANY // 100 - 1)

        found, statements = await counted(stage)

        assert (found.items, found.opened) == (100, MANY - 100)
        assert {kind for kind, _ in await kinds(stage)} == {FindingKind.MISSING_THERE}
        assert statements < MANY / 50
        assert (await run(stage)).opened == 0


async def test_ten_thousand_items_that_are_not_ours_take_a_handful_of_statements(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await paid(stage, 1)
        await pay_many_behind(stage, MANY)

        found, statements = await counted(stage)

        assert (found.items, found.matched, found.opened) == (MANY + 1, 1, MANY)
        assert statements < MANY / 50


async def counted(stage: Stage) -> tuple[Run, int]:
    """A run, and how many statements it asked of the one connection that everything goes over."""
    asked: list[object] = []

    async def note(query: object) -> None:
        asked.append(query)

    async with opened(stage.core.config, folder=stage.folder, process="counting", connections=1) as core:
        async with core.database.reading() as only:
            only.add_query_logger(note)
        found = await reconcile(core, "one", actor="test")
    assert asked, "nothing was counted"
    return found, len(asked)


# Payouts that look like those which were really paid, except that the provider has never heard of them.
COPIES = """
WITH copy AS (
    SELECT payout.id, gen_random_uuid() AS other, n FROM payout, generate_series(1, $1::int) AS n
), payouts AS (
    INSERT INTO payout SELECT (jsonb_populate_record(payout, jsonb_build_object(
        'id', copy.other, 'reward_id', payout.reward_id || '-' || copy.n))).* FROM copy JOIN payout USING (id) RETURNING 1
)
INSERT INTO attempt SELECT (jsonb_populate_record(attempt, jsonb_build_object(
    'payout_id', copy.other, 'submission_key', copy.other::text, 'provider_reference', copy.other::text))).*
FROM copy JOIN attempt ON attempt.payout_id = copy.id RETURNING 1
"""
