"""What somebody was not let do stands in the log, with who, what, on what and why; and nobody fills the log by asking."""

import json
from datetime import UTC, datetime

import pytest

from rewardrails import clock, ids
from rewardrails.engine.refusals import PER_MINUTE, PER_OBJECT, Attempted, Refusals
from rewardrails.errors import DataErased, FieldInvalid, Forbidden, NotFound, StateConflict, StepUpRequired
from rewardrails.security.keys import Scope
from rewardrails.store.origin import coming_from
from tests.api.client import Api, SignedRail, running_api
from tests.support.command_line import CommandLine
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import CONFIG, opened_core

pytestmark = pytest.mark.promise("G5")
TWO_SIGN = '[[approvals]]\nname = "all"\nneeds = 1\n'


class MinuteThatStands(clock.SystemClock):
    def now(self) -> datetime:
        return datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
async def api(database_dsn: str):
    rails = [SignedRail("one"), ScriptedRail("two"), ScriptedRail("by-hand")]
    async with opened_core(database_dsn, rails, config=CONFIG + TWO_SIGN) as core, running_api(core) as running:
        yield running


async def refusals(api: Api) -> list[dict[str, object]]:
    """What was refused, as the log tells it."""
    rows = await api.events_of_type("action.refused")
    return [json.loads(row["said"]) | {name: row[name] for name in ("actor", "code", "outcome")} for row in rows]


async def test_a_key_without_the_scope_is_told_with_its_action_and_object(api: Api) -> None:
    payout_id = await api.payout()
    reader = await api.key_with({Scope.READ})

    answer = await api.post(f"/v1/payouts/{payout_id}/cancel", token=reader)

    assert answer.status == 403
    (told,) = await refusals(api)
    assert told["actor"].startswith("key:")
    assert (told["action"], told["object"]) == ("POST /v1/payouts/{payout_id}/cancel", payout_id)
    assert (told["code"], told["outcome"]) == ("forbidden", "refused")
    (row,) = await api.events_of_type("action.refused")
    assert row["origin"] == f"api:{answer.headers['X-Request-Id']}"


@pytest.mark.incident("I10")
async def test_what_policy_refuses_is_told(api: Api) -> None:
    """An author who approves, a verb at the wrong time, proof that was not given."""
    payout_id = await api.payout()

    mine = await api.post("/v1/approvals", await api.seen(payout_id))
    early = await api.post(f"/v1/payouts/{payout_id}/retry")
    bare = await api.post(f"/v1/payouts/{payout_id}/resolve", {"outcome": "paid", "evidence": "?"})

    assert [answer.code for answer in (mine, early, bare)] == ["forbidden", "state_conflict", "proof_required"]
    told = await refusals(api)
    assert [one["code"] for one in told] == ["forbidden", "state_conflict", "proof_required"]
    assert {one["object"] for one in told} == {payout_id}


async def test_a_forged_notice_is_told(api: Api) -> None:
    headers = {"webhook-id": "e1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}

    answer = await api.post("/v1/webhooks/one", {}, token="", headers=headers)

    assert answer.status == 401
    (told,) = await refusals(api)
    assert (told["actor"], told["action"]) == ("provider:one", "POST /v1/webhooks/{provider}")
    assert told["code"] in ("webhook_signature_invalid", "webhook_stale")


async def test_mistakes_strangers_and_reading_leave_nothing(api: Api) -> None:
    await api.payout()
    reader = await api.key_with({Scope.PLAYERS})

    answers = [
        await api.post("/v1/payouts", {"no": "such field"}),
        await api.post(f"/v1/payouts/{ids.new_id()}/cancel"),
        await api.post("/v1/payouts", {}, token="rr_" + "x" * 43),
        await api.get("/v1/payouts", token=reader),
    ]

    assert [answer.status for answer in answers] == [422, 404, 401, 403]
    assert await refusals(api) == []


async def test_nobody_fills_the_log_by_asking(api: Api, trials) -> None:
    payout_id = await api.payout()
    reader = await api.key_with({Scope.READ})

    for _ in range(8 * PER_OBJECT):
        await api.post(f"/v1/payouts/{payout_id}/cancel", token=reader)

    assert 0 < len(await refusals(api)) <= 2 * PER_OBJECT  # the minute may have turned once
    trials(8 * PER_OBJECT)


async def test_refusals_about_one_object_hide_none_about_another(api: Api) -> None:
    first, second = await api.payout(1), await api.payout(2)
    reader = await api.key_with({Scope.READ})

    for _ in range(2 * PER_OBJECT):
        await api.post(f"/v1/payouts/{first}/cancel", token=reader)
    await api.post(f"/v1/payouts/{second}/cancel", token=reader)

    assert (await refusals(api))[-1]["object"] == second


async def test_the_last_refusal_told_of_a_minute_says_that_there_may_be_more(database_dsn: str) -> None:
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        told = Refusals(core)
        with clock.use(MinuteThatStands()):
            for _ in range(PER_MINUTE + 3):
                await told.tell(
                    Attempted(actor="key:1", action="cancel", object=str(ids.new_id())), Forbidden("not you")
                )

        async with core.database.reading() as connection:
            rows = await connection.fetch("SELECT data FROM event WHERE outcome = 'refused' ORDER BY n")
    said = [json.loads(row["data"]) for row in rows]
    assert len(said) == PER_MINUTE
    assert [one.get("more", False) for one in said] == [False] * (PER_MINUTE - 1) + [True]


async def test_an_old_sign_in_and_an_erased_player_are_told(database_dsn: str) -> None:
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        told = Refusals(core)
        for refused in (StepUpRequired("prove it again"), DataErased("gone")):
            await told.tell(Attempted(actor="key:1", action="approve"), refused)

        async with core.database.reading() as connection:
            rows = await connection.fetch("SELECT code FROM event WHERE outcome = 'refused' ORDER BY n")
    assert [row["code"] for row in rows] == ["step_up_required", "data_erased"]


async def test_reading_more_than_a_reader_may_is_told(api: Api) -> None:
    """Whole destinations, and keys; not what is masked."""
    reader = await api.key_with({Scope.PLAYERS})

    answers = [await api.get(path, token=reader) for path in ("/v1/manual", "/v1/keys", "/v1/payouts")]

    assert [answer.status for answer in answers] == [403, 403, 403]
    assert [one["action"] for one in await refusals(api)] == ["GET /v1/manual", "GET /v1/keys"]


async def test_a_refusal_stays_though_what_was_refused_was_rolled_back(database_dsn: str) -> None:
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        told = Refusals(core)
        attempted = Attempted(actor="key:1", action="cancel")
        with coming_from("cli"):
            await told.tell(attempted, Forbidden("not you"))
            await told.tell(attempted, StateConflict(f"payout {ids.new_id()} is paid"))
            await told.tell(attempted, FieldInvalid("a mistake"))
            await told.tell(attempted, NotFound("nothing"))

        async with core.database.reading() as connection:
            rows = await connection.fetch("SELECT code, origin FROM event WHERE outcome = 'refused' ORDER BY n")
    assert [tuple(row) for row in rows] == [("forbidden", "cli"), ("state_conflict", "cli")]


def test_the_command_line_tells_too(database_dsn: str, tmp_path) -> None:
    rr = CommandLine(tmp_path, database_dsn)
    key = rr("--json", "keys", "create", "reader", "--scope", "read").json["key"]
    payout = ids.new_id()

    refused = rr("payouts", "cancel", payout, env={"REWARDRAILS_API_KEY": key})
    read = rr("payouts", "list", env={"REWARDRAILS_API_KEY": key})

    assert (refused.code, read.code) == (1, 0)
    with rr.running("worker"):
        pass  # it seals and signs before it goes
    rr("audit", "export", "log.ndjson")
    told = [json.loads(line) for line in (tmp_path / "log.ndjson").read_text().splitlines()[1:]]
    (event,) = [event for event in told if event["type"] == "action.refused"]
    assert json.loads(event["data"]) == {"action": "payouts cancel", "object": str(payout)}
    assert (event["origin"], event["code"]) == ("cli", "forbidden")
