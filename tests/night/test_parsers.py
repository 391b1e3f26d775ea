"""Every parser, hostile input, in large numbers. RR_NIGHT_SCALE makes them larger or smaller."""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from tests.api.client import Api
from tests.parsers.attack import attack
from tests.parsers.conftest import api
from tests.parsers.hostile import almost
from tests.parsers.over_http import create_under
from tests.parsers.rails import RAIL_READERS
from tests.parsers.readers import READERS, Reader
from tests.parsers.truths import KEYS

SCALE = float(os.environ.get("RR_NIGHT_SCALE", "1"))
ALL = (*READERS, *RAIL_READERS)
EXAMPLES = max(1, int(1_000_000 * SCALE / len(ALL)))
OVER_HTTP = max(1, int(20_000 * SCALE))

__all__ = ["api"]


@pytest.mark.promise("G8")
@pytest.mark.parametrize("reader", ALL, ids=lambda reader: reader.name)
def test_a_parser_refuses_hostile_input_by_type_and_soon(reader: Reader, trials) -> None:
    trials(attack(reader, EXAMPLES, derandomized=False))


@pytest.mark.promise("G8")
@settings(
    max_examples=OVER_HTTP, database=None, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
@given(key=almost(*KEYS))
async def test_no_idempotency_key_is_a_fault_of_ours(api: Api, key: str) -> None:
    await create_under(api, key)
