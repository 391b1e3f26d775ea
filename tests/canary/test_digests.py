"""A digest of something that can be guessed is as good as the thing itself, unless it takes the master key to make it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest

from rewardrails.engine import resolve
from rewardrails.engine.batches import open_batch, stage
from rewardrails.engine.core import Core
from rewardrails.intake.reader import FileFormat
from rewardrails.secrets import Secret
from rewardrails.security.vault import Vault
from tests.api.client import HEADER, REWARD, running_api
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, explode
from tests.support.season import opened_core, send_all

ROW = "r-9,player:9,season,1.00,EUR,DE,paypal_email,guess@example.org,for me\n"
EVIDENCE = "seen in their statement"
BYTES = (
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = 'public' AND data_type = 'bytea' ORDER BY 1, 2"
)


@pytest.mark.promise("G6")
async def test_nothing_stored_can_be_made_again_without_the_master_key(postgres_server):
    """The same words, told to two installations, leave nothing in common behind but what is no secret."""
    found = []
    for master in ("m", "n"):
        with postgres_server.fresh_database() as dsn:
            async with _installation(dsn, master) as core:
                await _tell_everything(core)
                found.append(await _stored_bytes(core))
    first, second = found

    assert {"idempotency.request_digest", "batch.content_digest", "resolution.evidence_digest"} <= first.keys()
    assert {column for column in first if first[column] & second[column]} == set()


@asynccontextmanager
async def _installation(dsn: str, master: str) -> AsyncIterator[Core]:
    rail = ScriptedRail("one", explode, replace(CAPABILITIES, lookup_is_authoritative=False))
    async with opened_core(dsn, [rail]) as core:
        yield replace(core, vault=Vault.of_master(Secret(master * 48)))


async def _tell_everything(core: Core) -> None:
    async with running_api(core) as api:
        made = await api.post("/v1/payouts", REWARD, key="same")
        await api.post("/v1/quotes", {name: text for name, text in REWARD.items() if name != "reward_id"}, key="same")
    batch = await open_batch(core, name="file", file_format=FileFormat.CSV, actor="test")
    await stage(core, batch, _bytes(HEADER + ROW))
    await send_all(core)
    payout = UUID(made.json["id"])
    await resolve.resolve(core, payout, outcome=resolve.Resolved.PAID, evidence=EVIDENCE, actor="a")


async def _bytes(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def _stored_bytes(core: Core) -> dict[str, set[bytes]]:
    """What stands in each column of bytes, zeros aside; the log's chain and answers given to callers hold nothing to guess."""
    found: dict[str, set[bytes]] = {}
    async with core.database.reading() as connection:
        for table, column in await connection.fetch(BYTES):
            values = {
                bytes(row[0]) for row in await connection.fetch(f"SELECT {column} FROM {table}") if any(row[0] or b"")
            }
            if values:
                found[f"{table}.{column}"] = values
    return found
