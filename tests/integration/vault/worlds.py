"""Engines whose data keys come from the database, under master keys the test names by a letter."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from rewardrails.engine.core import Core
from rewardrails.providers.base import RewardPayoutProvider
from rewardrails.secrets import Secret
from rewardrails.security.data_keys import load
from rewardrails.security.vault import Vault
from rewardrails.security.wrapping import KeyRing, MasterKey
from tests.support.season import opened_core

# Every column that holds sealed bytes: table, column, name of its key, and what it is sealed for.
SEALED = (
    ("payout", "destination_ciphertext", "destination_key_id", b"destination"),
    ("batch_row", "destination_ciphertext", "destination_key_id", b"destination"),
    ("observation", "evidence", "evidence_key_id", b"evidence"),
    ("resolution", "evidence", "evidence_key_id", b"evidence"),
    ("submission", "prepared", "prepared_key_id", b"rail-state"),
    ("submission", "resume", "resume_key_id", b"rail-state"),
    ("bearer_value", "sealed", "key_id", b"bearer-value"),
    ("webhook_inbox", "body", "body_key_id", b"webhook"),
    ("webhook_inbox", "observations", "observations_key_id", b"webhook-observations"),
    ("operator", "totp_ciphertext", "totp_key_id", b"operator-totp"),
)


def master(letter: str) -> MasterKey:
    return MasterKey(Secret(letter * 48))


def ring(current: str, *old: str) -> KeyRing:
    return KeyRing(current=master(current), others=tuple(master(one) for one in old))


@asynccontextmanager
async def world(dsn: str, rails: Sequence[RewardPayoutProvider], keys: KeyRing) -> AsyncIterator[Core]:
    """An engine that seals with the first key of the ring and opens with all of them."""
    async with opened_core(dsn, rails) as core:
        yield replace(core, vault=Vault(await load(core.database, keys)), ring=keys)


async def key_ids(core: Core) -> dict[str, set[str]]:
    """The data keys that each column is sealed with, where it is not empty."""
    found = {}
    async with core.database.reading() as connection:
        for table, column, key, _ in SEALED:
            rows = await connection.fetch(f"SELECT DISTINCT {key} AS key FROM {table} WHERE length({column}) > 0")
            if rows:
                found[f"{table}.{column}"] = {row["key"] for row in rows}
    return found


async def all_sealed(core: Core) -> list[tuple[str, bytes, str, bytes]]:
    """Every sealed value there is: column, bytes, key, purpose."""
    found = []
    async with core.database.reading() as connection:
        for table, column, key, purpose in SEALED:
            statement = f"SELECT {column} AS sealed, {key} AS key FROM {table} WHERE length({column}) > 0"
            rows = await connection.fetch(statement)
            found += [(f"{table}.{column}", bytes(row["sealed"]), row["key"], purpose) for row in rows]
    return found


async def salts(core: Core) -> list[bytes]:
    """Every salt there is."""
    async with core.database.reading() as connection:
        return [row[0] for row in await connection.fetch("SELECT salt FROM player_secret WHERE salt IS NOT NULL")]
