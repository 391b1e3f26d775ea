"""Whoever had a hand in what a payout says does not approve it; each word of approval stands in the log."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from rewardrails.domain.posting import FundingSource
from rewardrails.engine import batches
from rewardrails.engine.core import Core
from rewardrails.engine.operate import correct_destination
from rewardrails.errors import Forbidden
from rewardrails.intake.reader import FileFormat
from rewardrails.ledger import posting
from tests.support.batches import stage_file
from tests.support.gates import say_yes
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import CONFIG, opened_core, request, reward, states

pytestmark = [pytest.mark.promise("G7")]

TWO_PEOPLE = """
[[approvals]]
name = "large"
needs = 2
asset = "EUR"
above = "20.00"
"""
LARGE_FILES = """
[[approvals]]
name = "large-files"
needs = 1
asset = "EUR"
batch_above = "100.00"
"""
FILE = """reward_id,player_id,campaign,amount,asset,jurisdiction,destination_kind,destination,memo
r-1,player:1,season,60.00,EUR,DE,paypal_email,a@example.org,
"""


async def refused_to(core: Core, payout_id: UUID, authors: Sequence[str]) -> None:
    for author in authors:
        with pytest.raises(Forbidden):
            await say_yes(core, [payout_id], actor=author)


async def started(core: Core, batch_id: UUID) -> None:
    await batches.start(core, batch_id, actor="ann")
    while await batches.start_chunk(core):
        pass


async def test_whoever_corrected_the_destination_does_not_approve_it(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + TWO_PEOPLE) as core:
        (result,) = await request(core, [reward(1, amount_minor=6000)])
        await correct_destination(core, result.payout_id, reward(9).destination, actor="ann")

        await refused_to(core, result.payout_id, ["ann", "test"])
        for who in ("ben", "cem"):
            await say_yes(core, [result.payout_id], actor=who)

        assert list((await states(core)).values()) == ["ready"]


async def test_whoever_staged_or_started_the_file_does_not_approve_its_payouts(database_dsn, tmp_path):
    (tmp_path / "large.csv").write_text(FILE)
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + TWO_PEOPLE) as core:
        batch_id = await batches.open_batch(core, name="large", file_format=FileFormat.CSV, actor="ann")
        await stage_file(core, tmp_path / "large.csv", into=batch_id)
        await batches.start(core, batch_id, actor="ben")
        await batches.start_chunk(core)
        (payout_id,) = await states(core)

        await refused_to(core, payout_id, ["ann", "ben"])
        for who in ("cem", "dee"):
            await say_yes(core, [payout_id], actor=who)

        assert list((await states(core)).values()) == ["ready"]


async def test_words_given_before_a_change_stay_void_when_it_is_undone(database_dsn):
    """Who approved it and then had a hand in it has not approved it, whatever it says in the end."""
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + TWO_PEOPLE) as core:
        (result,) = await request(core, [reward(1, amount_minor=6000)])
        for who in ("ben", "cem"):
            await say_yes(core, [result.payout_id], actor=who)
        for changed in (reward(9), reward(1)):
            await correct_destination(core, result.payout_id, changed.destination, actor="ben")

        after = list((await states(core)).values())
        await refused_to(core, result.payout_id, ["ben"])
        for who in ("cem", "dee"):
            await say_yes(core, [result.payout_id], actor=who)

        assert (after, list((await states(core)).values())) == (["awaiting_approval"], ["ready"])


async def test_a_file_that_is_started_in_parts_is_approved_as_a_whole(database_dsn, tmp_path):
    """A row that the pool could not bear at first adds to the total all the same."""
    (tmp_path / "large.csv").write_text(FILE + FILE.splitlines()[1].replace("r-1", "r-2") + "\n")
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + LARGE_FILES, funded=6000) as core:
        batch_id = await batches.open_batch(core, name="large", file_format=FileFormat.CSV, actor="ann")
        await stage_file(core, tmp_path / "large.csv", into=batch_id)
        await started(core, batch_id)
        first = list((await states(core)).values())
        async with core.database.transaction() as tx:
            (season,) = [made for name, made in (await posting.pools_by_name(tx)).items() if name == "season-eur"]
            await posting.fund(
                tx, pool_id=season[0], source=FundingSource.SPONSOR, amount_minor=6000, reference="", actor="test"
            )
        await started(core, batch_id)

        assert (first, list((await states(core)).values())) == (["awaiting_approval"], ["awaiting_approval"] * 2)


@pytest.mark.promise("G5")
async def test_each_word_of_approval_is_an_event_of_its_own(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + TWO_PEOPLE) as core:
        (result,) = await request(core, [reward(1, amount_minor=6000)])
        for who in ("ann", "ann", "ben"):
            await say_yes(core, [result.payout_id], actor=who)

        async with core.database.reading() as connection:
            told = await connection.fetch(
                "SELECT actor FROM event WHERE type = 'payout.approved' AND subject_id = $1 ORDER BY version",
                result.payout_id,
            )
        assert [row["actor"] for row in told] == ["ann", "ben"]
