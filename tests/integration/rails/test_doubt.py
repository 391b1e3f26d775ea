"""Every way an answer can fail to arrive, on rails with different promises: nobody is paid twice, nothing is lost silently."""

from collections import Counter
from dataclasses import replace

import aiohttp
import pytest

from rewardrails.testing.fake_provider.journal import Accepted
from tests.support.stage import PROFILES, Stage, on_stage

# What the provider does with the first request for a payout; afterwards it behaves.
ACCEPTED = ("lose_reply", "error_after", "garbage", "truncated", "oversized", "drip", "accept_late")
NOT_ACCEPTED = ("error_before", "redirect", "hang")
ACCEPTED_AND_NAMED = ("unknown_status",)  # the answer is no answer, but it names the payout
EACH = 2
# Rails on which a payout may go out again under its key once it is proved absent.
MAY_SEND_AGAIN = ("default", "replays-errors", "lookup-late")


async def pay_through(stage: Stage, behaviours: tuple[str, ...]) -> None:
    """`EACH` payouts for every behaviour; a destination tells the provider which one to show."""
    for number, behaviour in enumerate(behaviours):
        for copy in range(EACH):
            destination = f"player{number * EACH + copy}@example.org"
            await stage.one.control.behave(behaviour, destination=destination, times=1)
    await stage.pay(*range(len(behaviours) * EACH))


@pytest.mark.promise("G1", "G2", "G3")
@pytest.mark.incident("I2", "I15")
@pytest.mark.parametrize("profile", PROFILES)
async def test_every_doubtful_answer_ends_paid_once_or_flagged(tmp_path, database_dsn, profile, trials):
    rail = replace(PROFILES[profile], call_timeout=1.0)
    async with on_stage(tmp_path, database_dsn, rail) as stage, stage.working():
        await stage.one.control.hold_webhooks()
        await pay_through(stage, ACCEPTED + NOT_ACCEPTED + ACCEPTED_AND_NAMED)

        await stage.until_settled()

        await stage.assert_true_to_the_journals()
        found = {
            "lookup-absent": len(ACCEPTED_AND_NAMED),
            "dedupe-none": len(ACCEPTED + ACCEPTED_AND_NAMED),
            "window-expires": len(ACCEPTED + ACCEPTED_AND_NAMED),
        }.get(profile, len(ACCEPTED + NOT_ACCEPTED + ACCEPTED_AND_NAMED))
        flagged = len(ACCEPTED + NOT_ACCEPTED + ACCEPTED_AND_NAMED) - found
        expected = Counter(paid=found * EACH, outcome_unknown=flagged * EACH)
        assert await stage.counts() == +expected

        await stage.one.control.release_webhooks()
        unheard = 0 if profile in MAY_SEND_AGAIN else len(NOT_ACCEPTED) * EACH

        async def told() -> bool:
            return (await stage.counts())["outcome_unknown"] == unheard

        await stage.until(told)
        await stage.assert_true_to_the_journals()
        trials(len(stage.payouts))


@pytest.mark.promise("G1", "G2")
@pytest.mark.parametrize("profile", ["default", "dedupe-none"])
async def test_webhooks_that_overtake_the_lookups_change_nothing_of_that(tmp_path, database_dsn, profile, trials):
    rail = replace(PROFILES[profile], call_timeout=1.0)
    async with on_stage(tmp_path, database_dsn, rail) as stage, stage.working(), stage.working():
        await pay_through(stage, ACCEPTED + NOT_ACCEPTED + ACCEPTED_AND_NAMED)
        await stage.until_settled()
        await stage.assert_true_to_the_journals()
        lost = 0 if profile in MAY_SEND_AGAIN else len(NOT_ACCEPTED) * EACH
        assert (await stage.counts())["outcome_unknown"] == lost
        trials(len(stage.payouts))


@pytest.mark.promise("G1", "G2")
async def test_a_rail_that_shows_two_payouts_under_one_key_is_left_to_people(tmp_path, database_dsn):
    """It broke its promise; whatever we do next could only make it worse."""
    rail = replace(PROFILES["dedupe-none"], call_timeout=1.0)
    async with on_stage(tmp_path, database_dsn, rail) as stage, stage.working():
        await stage.one.control.hold_webhooks()
        await stage.one.control.behave("lose_reply", times=1)
        await stage.pay(1)
        await stage.until_all("outcome_unknown")
        (order,) = [record for record in stage.journal() if isinstance(record, Accepted)]
        await post_again(stage, order)

        await stage.until_settled()

        assert await stage.counts() == {"outcome_unknown": 1}
        assert set((await stage.standing()).values()) == {2}, "the second one was the test's, not ours"


async def post_again(stage: Stage, order: Accepted) -> None:
    """Somebody else sends the very same order."""
    body = {
        "reference": order.reference,
        "amount": "10.00",
        "asset": order.asset,
        "destination": {"kind": order.kind, "value": order.value},
    }
    headers = {"Authorization": f"Bearer {stage.one.token}", "Idempotency-Key": order.key}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{stage.one.url}/v1/payouts", json=body) as answer,
    ):
        assert answer.status == 201
