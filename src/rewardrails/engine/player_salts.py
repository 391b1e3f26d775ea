"""Players' salts, for a batch at a time. Whoever writes something of a player holds off erasure until it is committed."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import asyncpg

from rewardrails.security.vault import new_salts
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql


async def salts_for(connection: Connection, player_ids: Iterable[str]) -> Mapping[str, bytes]:
    """The salt of each player, made where there is none; good until the transaction ends."""
    wanted = sorted(set(player_ids))
    if not wanted:
        return {}
    await connection.execute(sql("writing_for_players"))
    found = {row["player_id"]: row["salt"] for row in await connection.fetch(sql("player_salts"), wanted)}
    missing = [player_id for player_id in wanted if player_id not in found]
    if missing:
        salts = new_salts(len(missing))
        others = await connection.fetch(sql("make_player_salts"), missing, salts)
        found |= dict(zip(missing, salts, strict=True)) | {row["player_id"]: row["salt"] for row in others}
    return found


async def salts_of_payouts(connection: Connection, payout_ids: Sequence[UUID]) -> Mapping[UUID, asyncpg.Record]:
    """`player_id` and `salt` of each payout's player; the salt is None once the player was erased."""
    return {row["id"]: row for row in await connection.fetch(sql("salts_of_payouts"), list(payout_ids))}
