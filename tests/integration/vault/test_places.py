"""A stored data key opens as the key it was wrapped as, and as no other; what older versions wrapped still opens."""

import asyncpg
import pytest

from rewardrails.errors import KeyMissing
from rewardrails.security.data_keys import load, stored_keys, unwrap
from tests.integration.vault.worlds import ring, world

pytestmark = [pytest.mark.promise("G6")]
SWAPPED = """
UPDATE data_key AS one SET wrapped = other.wrapped FROM data_key AS other
WHERE (one.purpose, other.purpose) IN (($1, $2), ($2, $1))
"""


@pytest.mark.parametrize(("one", "other"), [("digest", "pepper"), ("seal", "digest")])
async def test_exchanged_keys_are_refused_at_the_start(database_dsn, one, other):
    async with world(database_dsn, [], ring("a")):
        pass
    await run(database_dsn, SWAPPED, one, other)

    with pytest.raises(KeyMissing, match="wrapped as another one"):
        async with world(database_dsn, [], ring("a")):
            pass


async def test_what_was_wrapped_before_keys_said_which_they_are_still_opens(database_dsn):
    keys = ring("a")
    async with world(database_dsn, [], keys) as core:
        rows = await stored_keys(core.database)
        plain = await unwrap(keys, rows)
        for row in rows:
            older = (await keys.current.wrap([plain[row["id"]]]))[0]
            await run(database_dsn, "UPDATE data_key SET wrapped = $2 WHERE id = $1", row["id"], older)

        found = await unwrap(keys, await stored_keys(core.database))
        again = await load(core.database, keys)

    assert found == plain
    assert again.digest == plain["digest"]


async def run(dsn: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement, *values)
    await connection.close()
