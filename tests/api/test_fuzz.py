"""Requests made from the published schema: never a 5xx, always as documented, never without a key."""

import pytest

from tests.api.fuzzing import attack, fuzzed_api

pytestmark = [pytest.mark.promise("G2", "G7")]

EXAMPLES_PER_OPERATION = 20


def test_no_request_made_from_the_schema_breaks_it(database_dsn, trials) -> None:
    with fuzzed_api(database_dsn) as target:
        statuses = attack(target, examples=EXAMPLES_PER_OPERATION, seed_of_all=1)

    assert statuses[2] > EXAMPLES_PER_OPERATION
    assert statuses[4] > EXAMPLES_PER_OPERATION
    trials(statuses.total())
