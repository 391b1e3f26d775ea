"""Rewards that the game delivers: the link is sealed, given once, and never lost."""

import pytest

from rewardrails.domain.observation import ObservedStatus
from rewardrails.engine import values
from rewardrails.engine.sync import apply_answers, ask, claim_to_sync
from rewardrails.engine.webhooks import apply_notices
from rewardrails.errors import ConfigInvalid, ValueAlreadyRevealed
from rewardrails.providers.capabilities import Capabilities
from rewardrails.providers.tremendous.mapping import standing
from rewardrails.testing.contract import Conduct
from tests.support.season import request, reward, send_all, states
from tests.vendors.tremendous.double import TremendousDouble
from tests.vendors.tremendous.test_life import opened, provider_of, tell, until, working

pytestmark = [pytest.mark.promise("G1", "G2", "G6")]
LINK = {"delivery": "LINK", "first_sync_after_seconds": 0.2}


def call(payout_id, number: int) -> values.RevealCall:
    return values.RevealCall(payout_id=payout_id, player_id=f"player:{number}", actor="test")


async def test_a_link_is_paid_when_it_is_here_and_given_once(database_dsn):
    async with opened(database_dsn, **LINK) as (core, double):
        double.delivers_as = "SUCCEEDED"
        (made,) = await request(core, [reward(1)])
        await send_all(core)

        got = await values.reveal(core, call(made.payout_id, 1))
        with pytest.raises(ValueAlreadyRevealed):
            await values.reveal(core, call(made.payout_id, 1))

        assert (got.value.link, got.value.code) == (double.taken[0].link, "")
        assert double.taken[0].body["reward"]["delivery"] == {"method": "LINK"}
        async with core.database.reading() as connection:
            names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            stored = "".join([repr(await connection.fetch(f'SELECT * FROM "{row[0]}"')) for row in names])
        assert "canary-" not in stored


@pytest.mark.incident("I2", "I9")
@pytest.mark.parametrize("conduct", [Conduct.LOSE_REPLY, Conduct.ANSWER_LATE])
async def test_a_link_that_was_lost_on_its_way_is_asked_for_again(database_dsn, conduct):
    async with opened(database_dsn, **LINK) as (core, double):
        double.delivers_as = "SUCCEEDED"
        (made,) = await request(core, [reward(1)])
        await double.behave(conduct)
        async with working(core):
            await until(core, {"paid"})

        assert (await values.reveal(core, call(made.payout_id, 1))).value.link == f"{double.taken[0].link}-new"
        assert len(double.taken) == 1


async def test_an_executed_order_is_not_paid_before_its_link_is_here(database_dsn):
    async with opened(database_dsn, **LINK) as (core, double):
        double.delivers_as, double.links_are_late = "SUCCEEDED", True
        (made,) = await request(core, [reward(1)])
        async with working(core):
            await until(core, {"pending", "outcome_unknown"})
            double.links_are_late = False
            await until(core, {"paid"})

        assert (await values.reveal(core, call(made.payout_id, 1))).value.link


async def test_a_link_that_is_here_is_not_made_anew_by_asking(database_dsn):
    async with opened(database_dsn, **LINK) as (core, double):
        double.delivers_as = "SUCCEEDED"
        (made,) = await request(core, [reward(1)])
        await send_all(core)
        provider = core.providers["one"]
        await tell(core, double, 0, "evt-1")
        assert await apply_notices(core, 10) == 1

        asked = await claim_to_sync(core, provider, 10)
        assert [one.reference.wants_value for one in asked] == [False]
        await apply_answers(core, provider, [(one, await ask(provider, one)) for one in asked])

        assert double.links_made == 0
        assert list((await states(core)).values()) == ["paid"]
        assert (await values.reveal(core, call(made.payout_id, 1))).value.link == double.taken[0].link


def test_a_link_has_no_status_of_its_own_and_an_e_mail_must() -> None:
    assert standing("EXECUTED", "LINK", "") is ObservedStatus.PAID
    assert standing("EXECUTED", "EMAIL", "") is ObservedStatus.UNKNOWN
    assert standing("EXECUTED", "LINK", "LOST") is ObservedStatus.UNKNOWN
    assert standing("CANCELED", "LINK", "") is ObservedStatus.CANCELED


async def test_only_links_are_handed_over_and_other_ways_stop_the_start() -> None:
    async with TremendousDouble() as double:
        rails = [provider_of(double, delivery=way) for way in ("EMAIL", "LINK")]
        figures: list[Capabilities] = [rail.capabilities for rail in rails]
        for rail in rails:
            await rail.close()
        with pytest.raises(ConfigInvalid):
            provider_of(double, delivery="PHONE")

    assert [one.hands_over_values for one in figures] == [False, True]
