"""Genuine signatures over things that we did not send: nothing moves, and somebody is told."""

import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.engine.operate import retry
from rewardrails.engine.webhooks import Notice, store_notices, verify
from rewardrails.ledger.invariants import verify as verify_books
from rewardrails.providers.fake.wire import PayoutReply
from tests.support.season import request, reward, send_all
from tests.webhooks.door import Door
from tests.webhooks.raw_http import post

STATUSES = ("processing", "paid", "failed", "canceled", "returned")
LIES: dict[str, Callable[[PayoutReply], PayoutReply]] = {
    "less": lambda said: replace(said, amount="9.99"),
    "more": lambda said: replace(said, amount="1000.00"),
    "nothing": lambda said: replace(said, amount="0.00"),
    "other_asset": lambda said: replace(said, asset="USD"),
    "other_place": lambda said: replace(said, destination=replace(said.destination, value="thief@example.org")),
    "other_kind": lambda said: replace(said, destination=replace(said.destination, kind="manual_note")),
    "other_memo": lambda said: replace(said, destination=replace(said.destination, memo="7")),
    "other_letter_case": lambda said: replace(said, destination=replace(said.destination, value="Player1@example.org")),
    "other_reference": lambda said: replace(said, id="po_somebody_elses"),
    "live": lambda said: replace(said, livemode=True),
}


def told(logs: list[dict[str, object]]) -> list[tuple[object, object, object]]:
    """What an operator would be woken by."""
    return [
        (line["log_level"], line["provider"], line["code"]) for line in logs if line["event"] == "webhook_quarantined"
    ]


async def quarantined_by_metric(door: Door) -> float:
    text = (await door.api.get("/metrics")).body.decode()
    found = re.search(r"^rewardrails_webhook_quarantine_waiting ([0-9.]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def standing(door: Door) -> list[tuple[object, ...]]:
    """Everything about payouts and money."""
    rows = await door.rows("SELECT id, state::text, version, reserved FROM payout ORDER BY id")
    money = await door.rows("SELECT count(*) AS transfers, sum(amount) AS moved FROM transfer")
    return [tuple(row.values()) for row in [*rows, *money]]


@pytest.mark.promise("G4")
@pytest.mark.incident("I20", "I24")
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_genuine_notices_about_something_else_are_quarantined_and_told(door: Door, lie, trials):
    before = await standing(door)

    replies = [await door.deliver(door.one.body(lie(door.one.payout(door.key, status)))) for status in STATUSES]
    with capture_logs() as logs:
        await door.apply()

    assert [reply.status for reply in replies] == [200] * len(STATUSES)
    assert await door.inbox() == [("quarantined", "webhook_subject_mismatch")] * len(STATUSES)
    assert await standing(door) == before
    assert told(logs) == [("error", "one", "webhook_subject_mismatch")] * len(STATUSES)
    assert await quarantined_by_metric(door) == len(STATUSES)
    trials(len(STATUSES))


@pytest.mark.promise("G4")
@pytest.mark.incident("I22")
async def test_a_rail_that_speaks_of_another_rails_payout_is_quarantined_and_told(door: Door, trials):
    before = await standing(door)

    for status in STATUSES:
        theirs = door.two.genuine(door.one.body(door.one.payout(door.key, status))).request()
        await post(door.port, "two", theirs)
    with capture_logs() as logs:
        await door.apply()

    assert await door.inbox() == [("quarantined", "webhook_subject_mismatch")] * len(STATUSES)
    assert await standing(door) == before
    assert told(logs) == [("error", "two", "webhook_subject_mismatch")] * len(STATUSES)
    trials(len(STATUSES))


@pytest.mark.promise("G4")
@pytest.mark.parametrize("key", ["0" * 32 + "-1", "not-ours", "{hex}-2", "{hex}-999999", "{hex}-1 ", "{hex}"])
async def test_a_notice_about_nothing_we_sent_waits_an_hour_and_is_quarantined_and_told(door: Door, key):
    before = await standing(door)
    said = replace(door.one.payout(door.key, "paid"), reference=key.format(hex=door.key[:32]))

    await door.deliver(door.one.body(said))
    await door.apply()
    first = await door.inbox()
    await door.hour_passes()
    with capture_logs() as logs:
        await door.apply()

    assert (first, await door.inbox()) == ([("waiting", "not_found")], [("quarantined", "not_found")])
    assert await standing(door) == before
    assert told(logs) == [("error", "one", "not_found")]


@pytest.mark.promise("G1", "G4")
async def test_old_news_of_an_attempt_that_was_given_up_does_not_touch_the_next_one(door: Door):
    await door.tell("failed")
    await door.apply()
    (payout,) = await door.rows("SELECT id FROM payout")
    await retry(door.core, payout["id"], actor="ann")
    await send_all(door.core)
    before = await standing(door)

    for status in ("failed", "canceled", "returned", "processing"):
        await door.tell(status)
    await door.apply()

    assert before[0][1] == "pending"
    assert await standing(door) == before
    assert {row["effect"] for row in await door.rows("SELECT effect FROM observation WHERE source = 'webhook'")} == {
        "applied",
        "no_change",
    }


@pytest.mark.promise("G4")
async def test_a_reference_that_two_attempts_bear_names_neither(door: Door):
    await request(door.core, [reward(2)])
    await send_all(door.core)
    async with door.core.database.transaction() as tx:
        await tx.execute("UPDATE attempt SET provider_reference = 'same'")
    thin = Observation(status=ObservedStatus.PAID, provider_reference="same", event_key="thin")

    await store_notices(door.core, [Notice(provider="one", event_key="thin", body=b"", observations=(thin,))])
    await door.apply()

    assert await door.inbox() == [("waiting", "not_found")]
    assert {row["state"] for row in await door.rows("SELECT state::text FROM payout")} == {"pending"}


@pytest.mark.promise("G4")
@pytest.mark.parametrize("wrong_first", [True, False])
async def test_one_statement_that_does_not_fit_undoes_the_whole_notice(door: Door, wrong_first):
    await request(door.core, [reward(2)])
    await send_all(door.core)
    before = await standing(door)
    said = [
        door.one.body(door.one.payout(door.key, "paid")),
        door.one.body(replace(door.one.payout(door.one.calls[1], "paid"), amount="9.99")),
    ]
    right, wrong = (verify(door.core, "one", door.one.genuine(body).request()) for body in said)
    parts = (wrong, right) if wrong_first else (right, wrong)
    observations = tuple(seen for part in parts for seen in part.observations)

    await store_notices(door.core, [Notice(provider="one", event_key="both", body=b"", observations=observations)])
    await door.apply()

    assert await door.inbox() == [("quarantined", "webhook_subject_mismatch")]
    assert await standing(door) == before


@pytest.mark.promise("G1", "G4")
async def test_a_notice_about_several_payouts_moves_them_all(door: Door):
    await request(door.core, [reward(number) for number in range(2, 6)])
    await send_all(door.core)
    told = [verify(door.core, "one", door.one.notice(key, "paid")) for key in door.one.calls]
    observations = tuple(seen for part in told for seen in part.observations)

    await store_notices(door.core, [Notice(provider="one", event_key="all", body=b"", observations=observations * 2)])
    await door.apply()

    assert await door.inbox() == [("applied", None)]
    assert {row["state"] for row in await door.rows("SELECT state::text FROM payout")} == {"paid"}


@pytest.mark.promise("G3", "G4")
async def test_a_fee_as_large_as_a_number_can_be_is_booked_and_blocks_nothing(door: Door):
    await request(door.core, [reward(2)])
    await send_all(door.core)
    for key in (door.key, door.one.calls[1]):
        await door.deliver(door.one.body(replace(door.one.payout(key, "paid"), fee="9" * 36)))

    await door.apply()

    assert "waiting" not in {state for state, _ in await door.inbox()}
    assert (await verify_books(door.core.database)).broken == ()
