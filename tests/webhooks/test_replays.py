"""The same delivery again: at once, later, under another name, after the clock has run on."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from rewardrails.engine.webhooks import verify
from rewardrails.errors import ErrorCode, WebhookRefused
from tests.webhooks.door import Door
from tests.webhooks.raw_http import post
from tests.webhooks.wire_rail import TOLERANCE

AGAIN = 20


@pytest.mark.promise("G1", "G4")
async def test_a_delivery_repeated_before_and_after_it_was_applied_counts_once(door: Door, trials):
    delivery = door.one.notice(door.key, "paid")

    before = [await post(door.port, "one", delivery) for _ in range(AGAIN)]
    await door.apply()
    at_once = await asyncio.gather(*(post(door.port, "one", delivery) for _ in range(AGAIN)))
    await door.apply()

    assert {reply.status for reply in [*before, *at_once]} == {200}
    assert await door.inbox() == [("applied", None)]
    (once,) = await door.rows("SELECT count(*) AS n FROM event WHERE type = 'payout.paid'")
    assert (await door.state(), once["n"]) == ("paid", 1)
    trials(2 * AGAIN)


@pytest.mark.promise("G4")
async def test_an_old_word_delivered_again_after_the_money_came_back_changes_nothing(door: Door):
    paid = door.one.notice(door.key, "paid")
    for status in (paid, door.one.notice(door.key, "returned")):
        await post(door.port, "one", status)
        await door.apply()

    await post(door.port, "one", paid)
    await door.tell("paid", event="evt_told_again_under_another_name")
    await door.apply()

    assert await door.state() == "returned"


@pytest.mark.promise("G4")
@pytest.mark.parametrize(
    ("late", "believed"),
    [
        (timedelta(0), True),
        (TOLERANCE - timedelta(seconds=2), True),
        (TOLERANCE + timedelta(seconds=2), False),
        (timedelta(days=1), False),
        (timedelta(seconds=2) - TOLERANCE, True),
        (-TOLERANCE - timedelta(seconds=2), False),
    ],
)
async def test_a_captured_delivery_is_worth_nothing_once_its_time_is_over(door: Door, late, believed):
    delivery = door.one.notice(door.key, "paid")
    later = replace(delivery, received_at=delivery.received_at + late)

    try:
        verify(door.core, "one", later)
        code = None
    except WebhookRefused as error:
        code = error.code

    assert code == (None if believed else ErrorCode.WEBHOOK_STALE)


@pytest.mark.promise("G4")
async def test_a_captured_delivery_under_a_new_name_is_forged(door: Door):
    delivery = door.one.notice(door.key, "paid")
    renamed = replace(delivery, headers={**delivery.headers, "webhook-id": "evt_new"})

    reply = await post(door.port, "one", renamed)

    assert (reply.status, reply.json["code"]) == (401, "webhook_signature_invalid")
    assert await door.inbox() == []


@pytest.mark.promise("G4")
async def test_a_captured_delivery_at_another_rails_address_is_forged(door: Door):
    reply = await post(door.port, "two", door.one.notice(door.key, "paid"))

    assert (reply.status, await door.inbox()) == (401, [])
