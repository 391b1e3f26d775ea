"""A million rows."""

import asyncio
import json

import pytest

from tests.support.batches import batch_process, season_core
from tests.support.clean_rewards import write_clean_rewards

ROWS = 1_000_000
MOST_KIB = 300 * 1024


@pytest.mark.promise("G8")
async def test_a_million_rows_are_staged_in_bounded_memory(tmp_path, database_dsn):
    path = tmp_path / "large.csv"
    write_clean_rewards(path, ROWS)
    async with season_core(tmp_path, database_dsn):
        process = batch_process("stage", tmp_path / "rewardrails.toml", database_dsn, path)
        output, _ = await asyncio.to_thread(process.communicate)

    told = json.loads(output)
    assert told["rows"] == ROWS
    assert told["peak_kib"] < MOST_KIB
