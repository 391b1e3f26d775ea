"""RewardRails embedded in a Python backend, against a fake provider that is a process of its own."""

import asyncio
import json

import pytest

from rewardrails import Config, ErrorCode, FundingSource, Money, PayoutState, Reward, RewardRails, RewardRailsError
from rewardrails.engine.pauses import PauseScope
from rewardrails.engine.request import RequestVerdict
from rewardrails.engine.resolve import Resolved
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from tests.support.command_line import CONFIG

ENABLED = CONFIG.replace('adapter = "fake"\n', 'adapter = "fake"\nenabled = true\n')


@pytest.fixture
async def bank(tmp_path):
    async with FakeProviderProcess(tmp_path / "bank", arguments=["--mix", "settle=1"]) as process:
        yield process


@pytest.fixture
async def rails(tmp_path, database_dsn, bank):
    text = ENABLED.replace("http://127.0.0.1:9", bank.url)
    for name in ("token", "webhook-secret"):
        text = text.replace("env:NOT_SET", f"file:{bank.folder / name}", 1)
    config = Config.parse(text, env={"DATABASE_URL": database_dsn})
    async with RewardRails.open(config, folder=tmp_path, actor="season-service") as opened:
        yield opened


def reward(number, **changes):
    return Reward(
        **{
            "reward_id": f"r{number}",
            "player_id": f"p{number}",
            "campaign": "season",
            "amount": "10.00",
            "asset": "EUR",
            "jurisdiction": "DE",
            "destination_kind": "paypal_email",
            "destination": f"p{number}@example.org",
            **changes,
        }
    )


async def until(rails, payout_id, state):
    async with asyncio.timeout(20):
        while (await rails.get(payout_id)).payout.state is not state:  # noqa: ASYNC110 - another task works
            await asyncio.sleep(0.05)


async def test_a_reward_is_quoted_paid_and_settled_and_the_game_can_read_why(rails, bank):
    await rails.fund("season-eur", "100.00", source=FundingSource.SPONSOR, reference="contract")
    quote = await rails.quote(reward(1))
    result = await rails.pay_one(reward(1), quote_id=quote.id)
    async with rails.run_worker():
        await until(rails, result.payout_id, PayoutState.PAID)
    assert (await bank.control.totals()).paid_minor_by_asset == {"EUR": 1000}
    history = await rails.get(result.payout_id)
    assert history.payout.created_by == "season-service"
    assert [event.type for event in history.events][-1] == "payout.paid"
    assert (await rails.verify_ledger()).balances


async def test_many_rewards_get_an_answer_each_and_none_raises(rails):
    await rails.fund("season-eur", Money(amount_minor=2500, asset="EUR"), source=FundingSource.GRANT)
    results = await rails.pay(
        [reward(1), reward(1), reward(1, amount="11.00"), reward(2, amount="x"), reward(3), reward(4)]
    )
    assert [(one.verdict, one.code) for one in results] == [
        (RequestVerdict.ACCEPTED, None),
        (RequestVerdict.REPLAYED, None),
        (RequestVerdict.REFUSED, ErrorCode.IDEMPOTENCY_KEY_REUSED),
        (RequestVerdict.REFUSED, ErrorCode.AMOUNT_INVALID),
        (RequestVerdict.ACCEPTED, None),
        (RequestVerdict.REFUSED, ErrorCode.POOL_EXHAUSTED),
    ]


async def test_single_rewards_that_come_together_get_their_own_answer_each(rails):
    await rails.fund("season-eur", "30.00", source=FundingSource.GRANT)
    answers = await asyncio.gather(*(rails.pay_one(reward(n)) for n in range(4)), return_exceptions=True)
    refused = [one for one in answers if isinstance(one, RewardRailsError)]
    assert [one.code for one in refused] == [ErrorCode.POOL_EXHAUSTED]
    assert len({one.payout_id for one in answers if one not in refused}) == 3


async def test_people_hold_release_correct_and_cancel(rails):
    await rails.fund("season-eur", "30.00", source=FundingSource.GRANT)
    payout_id = (await rails.pay_one(reward(1))).payout_id
    await rails.hold(payout_id, cause="check")
    await rails.correct_destination(payout_id, destination="other@example.org")
    await rails.release(payout_id)
    assert await rails.cancel(payout_id) is PayoutState.CANCELED
    with pytest.raises(RewardRailsError) as refused:
        await rails.retry(payout_id)
    assert refused.value.code is ErrorCode.STATE_CONFLICT
    with pytest.raises(RewardRailsError) as refused:
        await rails.resolve(payout_id, outcome=Resolved.PAID, evidence="seen in the statement of May")
    assert refused.value.code is ErrorCode.STATE_CONFLICT
    assert [view.state for view in await rails.list()] == [PayoutState.CANCELED]


async def test_a_file_is_staged_once_and_its_manual_part_is_worked(rails, tmp_path):
    await rails.fund("season-eur", "30.00", source=FundingSource.GRANT)
    file = tmp_path / "season.ndjson"
    columns = ("reward_id", "player_id", "campaign", "amount", "asset", "jurisdiction", "destination_kind")
    row = dict(zip(columns, ("r1", "p1", "season", "10.00", "EUR", "DE", "manual_note"), strict=True))
    file.write_text(json.dumps({**row, "destination": "at the finals", "memo": ""}) + "\n")
    batch = await rails.stage(file)
    assert (await rails.stage(file)).id == batch.id
    await rails.start(batch.id)
    async with rails.run_worker():
        async with asyncio.timeout(20):
            while not (queue := await rails.manual_queue()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert await rails.settle(queue[0].payout_id, proof="receipt 7") is PayoutState.PAID
    rows = [one async for one in rails.batch_rows(batch.id)]
    assert [(one.verdict, one.state) for one in rows] == [(RequestVerdict.ACCEPTED, "paid")]


async def test_a_pause_stops_sending_until_it_is_lifted(rails, bank):
    await rails.fund("season-eur", "30.00", source=FundingSource.GRANT)
    pause = await rails.pause(PauseScope.EVERYTHING, reason="drill")
    payout_id = (await rails.pay_one(reward(1))).payout_id
    async with rails.run_worker():
        async with asyncio.timeout(20):  # the worker runs: it has sealed what happened so far
            while not await rails.events():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await bank.control.totals()).requests == 0
        await rails.lift(pause.id)
        await until(rails, payout_id, PayoutState.PAID)
    assert await rails.pauses() == []
