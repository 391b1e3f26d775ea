"""What people did can be read by everybody who may read the log."""

import json

import pytest

from rewardrails.events.verify import verify_log
from rewardrails.security import operators
from rewardrails.security.roles import Role
from rewardrails.security.scopes import Scope
from tests.api.client import Api
from tests.api.test_bad_input import RISK
from tests.support.people import person
from tests.support.sealing import seal_everything


@pytest.fixture
def configured() -> str:
    return "[risk]\nhold_from = 70\n"


@pytest.mark.promise("G5", "G7")
async def test_events_about_people_are_read_like_all_others(api: Api) -> None:
    await person(api.core, Role.VIEWER, name="vera")
    await seal_everything(api.core.database)

    answer = await api.get("/v1/events")

    assert answer.status == 200
    assert {"operator.added"} <= {event["type"] for event in answer.json["events"]}


@pytest.mark.promise("G5")
async def test_the_log_says_what_a_key_may_do_and_what_roles_somebody_had_before(api: Api) -> None:
    await api.key_with({Scope.READ, Scope.HOLD})
    vera = await person(api.core, Role.VIEWER, name="vera")

    await operators.set_roles(api.core.database, "vera", frozenset({Role.SUPPORT}), actor="test")

    (key,) = [row for row in await api.events_of_type("key.created") if "scoped" in row["said"]]
    assert json.loads(key["said"]) == {"name": "scoped", "scopes": ["hold", "read"]}
    (changed,) = await api.events_of_type("operator.roles_set")
    assert (str(changed["subject_id"]), json.loads(changed["said"])) == (
        vera.id,
        {"before": ["viewer"], "roles": ["support"]},
    )


@pytest.mark.promise("G5")
async def test_a_person_s_hold_on_a_payout_that_a_gate_holds_is_told(api: Api) -> None:
    await api.post("/v1/players/risk", {"reports": [RISK | {"score": 90}]})
    payout_id = await api.payout()
    held = (await api.get(f"/v1/payouts/{payout_id}")).json

    await api.post(f"/v1/payouts/{payout_id}/hold", {"cause": "asked by support"})

    assert held["state"] == "held"
    (told,) = await api.events_of_type("payout.hold_added")
    assert (str(told["subject_id"]), json.loads(told["said"])) == (
        payout_id,
        {"cause": "operator", "words": "asked by support"},
    )
    assert told["before_digest"] == told["after_digest"]
    await seal_everything(api.core.database)
    assert (await verify_log(api.core.database)).fault is None
