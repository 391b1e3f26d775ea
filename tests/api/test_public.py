"""What is open, and what it does not say; the published schema."""

import asyncio
import json

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from rewardrails.api.server import serve
from tests.api.client import REWARD, Api
from tests.api.test_auth import ROUTES
from tests.support.sealing import seal_everything

# What must not be stored (tokens), or must not be answered twice (proofs of a person).
WITHOUT_KEY = ("/v1/keys", "/v1/webhooks", "/v1/sessions", "/v1/sign-in")
GIVEN_ONCE = "/value"


async def test_the_schema_is_valid_and_names_every_route(api: Api) -> None:
    schema = (await api.get("/openapi.json", token="")).json

    OpenAPIV31SpecValidator(schema).validate()
    operations = {(method.upper(), path) for path, item in schema["paths"].items() for method in item}
    assert len({(method, path) for method, path in operations if path.startswith("/v1/")}) == len(ROUTES) + 8
    assert ("POST", "/v1/webhooks/{provider}") in operations
    payout = schema["components"]["schemas"]["PayoutIn"]
    assert set(payout["required"]) == set(REWARD)
    assert payout["additionalProperties"] is False


async def test_every_operation_documents_its_refusals_and_its_key(api: Api) -> None:
    schema = (await api.get("/openapi.json", token="")).json

    for path, item in schema["paths"].items():
        for method, operation in item.items():
            assert "application/problem+json" in operation["responses"]["default"]["content"], path
            needs_key = method == "post" and not path.startswith(WITHOUT_KEY) and not path.endswith(GIVEN_ONCE)
            names = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["required"]}
            assert ("Idempotency-Key" in names) is needs_key, path


async def test_the_process_says_that_it_lives_and_is_ready(api: Api) -> None:
    assert (await api.get("/healthz", token="")).json == {"status": "ok"}
    ready = await api.get("/readyz", token="")
    assert (ready.status, ready.json["status"]) == (200, "ready")


async def test_it_is_not_ready_on_a_database_of_another_version(api: Api, owner_sql: "object") -> None:
    await owner_sql("UPDATE alembic_version SET version_num = '9999'")  # type: ignore[operator]

    answer = await api.get("/readyz", token="")

    assert (answer.status, answer.json["status"]) == (503, "not_ready")


@pytest.mark.promise("G6")
async def test_figures_count_payouts_and_name_nobody(api: Api) -> None:
    await api.payout()

    text = (await api.get("/metrics", token="")).body.decode()

    assert 'rewardrails_payouts{asset="EUR",state="ready"} 1.0' in text
    assert 'rewardrails_http_requests_total{method="POST",route="/v1/payouts",status="201"}' in text
    assert "rewardrails_outbox_waiting" in text
    assert REWARD["player_id"] not in text
    assert REWARD["reward_id"] not in text


async def test_the_status_page_shows_where_payouts_stand(api: Api) -> None:
    await api.payout()

    page = await api.get("/", token="")

    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    text = page.body.decode()
    assert "<td>ready<td>EUR<td class=n>1" in text
    assert "<td>season-eur<td>EUR<td class=n>9999987.50<td class=n>12.50" in text
    assert "script" not in text
    assert REWARD["destination"] not in text


@pytest.mark.promise("G5")
async def test_events_come_in_sealed_order_and_the_cursor_goes_on(api: Api) -> None:
    await api.payout(1)
    await seal_everything(api.core.database, [])
    first = (await api.get("/v1/events?limit=1000")).json
    assert (await api.get(f"/v1/events?cursor={first['next_cursor']}")).json["events"] == []

    await api.payout(2)
    await seal_everything(api.core.database, [])
    news = (await api.get(f"/v1/events?cursor={first['next_cursor']}")).json

    assert [event["type"] for event in news["events"]] == ["payout.accepted"]
    assert news["events"][0]["position"] == first["events"][-1]["position"] + 1
    mine = (await api.get(f"/v1/events?subject_id={news['events'][0]['subject_id']}")).json
    assert json.dumps(mine["events"]) == json.dumps(news["events"])


async def test_no_page_of_the_framework_is_served_beside_the_schema(api: Api) -> None:
    for path in ("/schema", "/schema/swagger", "/schema/openapi.json", "/openapi"):
        assert (await api.get(path, token="")).status == 404, path
    schema = await api.get("/openapi.json", token="")
    assert schema.headers["Content-Type"].startswith("application/json")


@pytest.mark.promise("G5", "G6")
async def test_a_line_of_the_log_tells_the_request_the_payout_and_the_key_and_no_person(api: Api) -> None:
    with capture_logs(processors=[merge_contextvars]) as lines:
        payout_id = await api.payout()
        await api.get(f"/v1/payouts/{payout_id}")
        await api.get("/v1/payouts?player_id=player:1")

    requests = [line for line in lines if line["event"] == "request"]
    assert [line.get("payout_id") for line in requests] == [payout_id, payout_id, None]
    assert len({line["request_id"] for line in requests}) == 3
    assert all(line["actor"].startswith("key:") for line in requests)
    assert "player:1" not in str(requests)


async def test_an_address_that_is_taken_is_named(api: Api) -> None:
    taken = api.session._base_url.port

    with pytest.raises(OSError, match=f"'127.0.0.1:{taken}'"):
        await serve(api.core, host="127.0.0.1", port=taken, stop=asyncio.Event())
