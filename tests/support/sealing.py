"""Sealing in tests: the server is shared, and any transaction on it, of any database, may hold the sealer back a moment."""

import asyncio
from collections.abc import Sequence

from rewardrails.events.seal import seal
from rewardrails.store.database import Database

PATIENCE_SECONDS = 60.0


async def seal_everything(database: Database, endpoints: Sequence[str] = ()) -> int:
    """Seal until no event is left; answers how many were."""
    sealed = 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            sealed += await seal(database, endpoints)
            async with database.reading() as connection:
                if not await connection.fetchval("SELECT EXISTS (SELECT 1 FROM event WHERE position IS NULL)"):
                    return sealed
            await asyncio.sleep(0.02)
