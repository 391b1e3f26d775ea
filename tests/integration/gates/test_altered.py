"""Who writes to the database without our keys pays nobody: what is stored must be what was asked for."""

from dataclasses import replace

import pytest

from rewardrails.engine import batches, manual
from rewardrails.engine.operate import release_hold
from rewardrails.errors import ErrorCode
from rewardrails.intake.reader import FileFormat
from rewardrails.ledger.invariants import verify
from rewardrails.providers.capabilities import ProviderType
from tests.integration.gates.test_authors import FILE
from tests.support.batches import stage_file
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, accept
from tests.support.season import opened_core, request, reward, send_all, states

pytestmark = [pytest.mark.promise("G1", "G5")]

SALTS = """UPDATE player_secret SET salt = (SELECT salt FROM player_secret WHERE player_id = 'player:2')
           WHERE player_id = 'player:1'"""
ALTERATIONS = {
    "destination": f"""{SALTS}; UPDATE payout SET destination_ciphertext =
        (SELECT destination_ciphertext FROM payout WHERE player_id = 'player:2') WHERE player_id = 'player:1'""",
    "player": "UPDATE payout SET player_id = 'player:9' WHERE player_id = 'player:1'",
    "judged address": """UPDATE payout SET address_digest =
        (SELECT address_digest FROM payout WHERE player_id = 'player:2') WHERE player_id = 'player:1'""",
    "content digest": """UPDATE payout SET content_digest =
        (SELECT content_digest FROM payout WHERE player_id = 'player:2') WHERE player_id = 'player:1'""",
}


@pytest.mark.parametrize("what", ALTERATIONS)
async def test_an_altered_payout_is_held_and_not_sent_also_when_somebody_releases_it(database_dsn, what):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        altered, whole = await request(core, [reward(1), reward(2)])
        async with core.database.transaction() as tx:
            await tx.execute(ALTERATIONS[what])

        await send_all(core)
        if what != "player":
            await release_hold(core, altered.payout_id, actor="ann", reason="looks right")
            await send_all(core)

        assert await states(core) == {altered.payout_id: "held", whole.payout_id: "paid"}
        assert len(rail.created) == 1
        async with core.database.reading() as connection:
            code = await connection.fetchval("SELECT code FROM payout WHERE id = $1", altered.payout_id)
        assert code in {ErrorCode.CONTENT_ALTERED, ErrorCode.DATA_ERASED}
        assert (await verify(core.database)).balances


@pytest.mark.parametrize("alteration", ["amount = 99999", "reward_id = 'r-2'", "jurisdiction = 'FR'"])
async def test_an_altered_row_of_a_file_becomes_no_payout(database_dsn, tmp_path, alteration):
    (tmp_path / "large.csv").write_text(FILE)
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        batch_id = await batches.open_batch(core, name="large", file_format=FileFormat.CSV, actor="ann")
        await stage_file(core, tmp_path / "large.csv", into=batch_id)
        async with core.database.transaction() as tx:
            await tx.execute(f"UPDATE batch_row SET {alteration}")

        await batches.start(core, batch_id, actor="ben")
        await batches.start_chunk(core)

        assert await states(core) == {}
        async with core.database.reading() as connection:
            assert await connection.fetchval("SELECT code FROM batch_row") == ErrorCode.CONTENT_ALTERED


async def test_an_altered_payout_in_the_queue_of_people_shows_no_destination(database_dsn):
    by_hand = ScriptedRail("by-hand", accept, replace(CAPABILITIES, provider_type=ProviderType.MANUAL))
    async with opened_core(database_dsn, [by_hand]) as core:
        notes = [reward(number, asset="USD", kind="manual_note", value=f"desk {number}") for number in (1, 2)]
        altered, whole = await request(core, notes)
        await send_all(core, "by-hand")
        async with core.database.transaction() as tx:
            await tx.execute(ALTERATIONS["destination"])

        queue = {item.payout_id: item for item in await manual.queue(core)}

        assert (queue[altered.payout_id].destination, queue[altered.payout_id].code) == (
            None,
            ErrorCode.CONTENT_ALTERED,
        )
        assert (queue[whole.payout_id].destination.value, queue[whole.payout_id].code) == ("desk 2", None)
