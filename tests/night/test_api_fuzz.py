"""Requests made from the published schema, all night: each part draws its own."""

import os

import pytest

from tests.api.fuzzing import attack, fuzzed_api

pytestmark = [pytest.mark.promise("G2", "G7")]

SCALE = float(os.environ.get("RR_NIGHT_SCALE", "1"))
EXAMPLES_PER_OPERATION = max(1, int(100 * SCALE))
PARTS = 10


@pytest.mark.parametrize("part", range(PARTS))
def test_no_request_made_from_the_schema_breaks_it(database_dsn, trials, part) -> None:
    with fuzzed_api(database_dsn) as target:
        statuses = attack(target, examples=EXAMPLES_PER_OPERATION, seed_of_all=1 + part)

    assert statuses[2] > EXAMPLES_PER_OPERATION
    trials(statuses.total())
