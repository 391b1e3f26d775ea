"""Requests made from the published schema: never a 5xx, always as documented."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.api.client import SignedRail, running_api
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import opened_core

EXAMPLES_PER_OPERATION = 25


@pytest.fixture
def api_url(database_dsn: str) -> Iterator[tuple[str, str]]:
    """Address and key of an API that runs in a thread of its own: the fuzzer is synchronous."""
    started, stop = threading.Event(), threading.Event()
    found: list[str] = []

    async def run() -> None:
        rails = [SignedRail("one"), ScriptedRail("two")]
        async with opened_core(database_dsn, rails) as core, running_api(core) as api:
            found.extend((str(api.session._base_url).rstrip("/"), api.token))
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert started.wait(30)
        yield found[0], found[1]
    finally:
        stop.set()
        thread.join()


def test_no_request_made_from_the_schema_breaks_it(api_url: tuple[str, str]) -> None:
    address, token = api_url
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    checks = (not_a_server_error, content_type_conformance, response_schema_conformance)
    statuses: Counter[int] = Counter()
    headers = {"Authorization": f"Bearer {token}"}

    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES_PER_OPERATION,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def attack(case: schemathesis.Case) -> None:
            response = case.call_and_validate(base_url=address, headers=headers, checks=list(checks))
            statuses[response.status_code // 100] += 1

        attack()

    assert statuses[2] > EXAMPLES_PER_OPERATION
    assert statuses[4] > EXAMPLES_PER_OPERATION
