"""Hostile headers at the API's own door."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.api.client import Api
from tests.parsers.hostile import almost
from tests.parsers.over_http import create_under
from tests.parsers.truths import KEYS

EXAMPLES = 2_000


@pytest.mark.promise("G8")
@settings(
    max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(key=almost(*KEYS))
async def test_no_idempotency_key_is_a_fault_of_ours(api: Api, key: str) -> None:
    await create_under(api, key)
