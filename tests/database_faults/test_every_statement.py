"""The connection to the database breaks in each statement of a payout's life, in every way it can."""

from itertools import count

import pytest

from tests.database_faults.life import theatre
from tests.support.postgres_proxy import How

AT_LEAST_STATEMENTS = 100


@pytest.mark.promise("G1", "G2", "G3")
@pytest.mark.incident("I2", "I7")
@pytest.mark.parametrize("how", How)
async def test_a_cut_in_each_statement_neither_doubles_nor_loses_a_payout(tmp_path, database_dsn, how, trials):
    """In the n-th statement of every step of a life, for n = 1, 2, ... until no step has so many."""
    made = []
    async with theatre(tmp_path, database_dsn) as stage:
        for number in count(1):
            cut = await stage.live({number: how}, in_each_step=True)
            if not cut:
                break
            made += cut
    assert len(made) > AT_LEAST_STATEMENTS
    trials(len(made))
