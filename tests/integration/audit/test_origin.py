"""Every event says where it came from and what it changed."""

import asyncio
import re

import pytest

from rewardrails.store.sql import _statements
from tests.api.client import REWARD, SignedRail, running_api
from tests.support.scripted_rail import ScriptedRail, accept
from tests.support.season import opened_core, request, reward, send_all

pytestmark = pytest.mark.promise("G5")


def test_no_statement_writes_an_event_without_its_origin() -> None:
    writing = {
        name: columns
        for name, text in _statements().items()
        for columns in re.findall(r"INSERT INTO event \(([^)]*)\)", text)
    }

    assert len(writing) >= 5
    assert [name for name, columns in writing.items() if "origin" not in columns] == []


async def test_each_digest_of_a_payout_begins_where_the_one_before_ended(database_dsn: str) -> None:
    async with opened_core(database_dsn, [ScriptedRail("one", accept)]) as core:
        await request(core, [reward(number) for number in range(20)])
        await send_all(core)
        async with core.database.reading() as connection:
            broken = await connection.fetchval(
                "SELECT count(*) FROM (SELECT before_digest, version,"
                " lag(after_digest) OVER (PARTITION BY subject_id ORDER BY version) AS earlier"
                " FROM event WHERE type LIKE 'payout.%') AS told WHERE before_digest IS DISTINCT FROM earlier"
            )
            told = await connection.fetchval("SELECT count(*) FROM event WHERE after_digest IS NOT NULL")

    assert (broken, told) == (0, 60)


async def test_a_request_to_the_api_is_named_even_where_many_are_one_transaction(database_dsn: str) -> None:
    async with opened_core(database_dsn, [SignedRail("one")]) as core, running_api(core) as api:
        answers = await asyncio.gather(
            *(api.post("/v1/payouts", REWARD | {"reward_id": f"r-{number}"}) for number in range(10))
        )
        wanted = {answer.json["id"]: f"api:{answer.headers['X-Request-Id']}" for answer in answers}
        await send_all(core)

        events = await api.events_of_type("payout.accepted")
        sent = await api.events_of_type("payout.submitting")

    assert {str(event["subject_id"]): event["origin"] for event in events} == wanted
    assert {event["origin"] for event in sent} == {"worker"}
