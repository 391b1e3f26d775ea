"""A process starts only where it can do no harm."""

import os
from pathlib import Path

import pytest

from rewardrails.bootstrap import opened
from rewardrails.config import Config
from rewardrails.engine.read import read_history
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.errors import ConfigInvalid
from tests.support.scripted_rail import ScriptedRail, explode
from tests.support.season import opened_core, request, reward, send_all


@pytest.mark.promise("G6")
async def test_a_process_with_another_master_key_does_not_start(database_dsn: str, tmp_path: Path) -> None:
    """It could not read a destination, and nobody could read what it wrote."""
    config = Config.parse('environment = "test"\n', {"DATABASE_URL": database_dsn})
    async with opened(config, folder=tmp_path / "first"):
        pass
    async with opened(config, folder=tmp_path / "first"):
        pass
    with pytest.raises(ConfigInvalid, match="sealed with the master key"):
        async with opened(config, folder=tmp_path / "second"):
            pass


@pytest.mark.promise("G6")
@pytest.mark.incident("I22")
async def test_a_live_process_without_a_master_key_touches_no_database(tmp_path: Path) -> None:
    config = Config.parse('environment = "live"\n', {})
    with pytest.raises(ConfigInvalid, match="no master key"):
        async with opened(config, folder=tmp_path):
            pass
    assert os.listdir(tmp_path) == []


@pytest.mark.promise("G5", "G7")
async def test_whoever_confirms_a_resolution_sees_what_was_proposed_and_why(database_dsn: str) -> None:
    async with opened_core(database_dsn, [ScriptedRail("one", explode)]) as core:
        (result,) = await request(core, [reward(1)])
        assert result.payout_id is not None
        await send_all(core)
        evidence = "statement 12, line 4: no such payment"
        await resolve(core, result.payout_id, outcome=Resolved.NOT_PAID, evidence=evidence, actor="key:a")

        (proposed,) = (await read_history(core, result.payout_id)).resolutions

        assert (proposed.outcome, proposed.evidence, proposed.proposed_by) == ("not_paid", evidence, "key:a")
        assert proposed.confirmed_by is None
