"""What people did can be read by everybody who may read the log."""

import pytest

from rewardrails.security.roles import Role
from tests.api.client import Api
from tests.support.people import person
from tests.support.sealing import seal_everything


@pytest.mark.promise("G5", "G7")
async def test_events_about_people_are_read_like_all_others(api: Api) -> None:
    await person(api.core, Role.VIEWER, name="vera")
    await seal_everything(api.core.database)

    answer = await api.get("/v1/events")

    assert answer.status == 200
    assert {"operator.added"} <= {event["type"] for event in answer.json["events"]}
