"""What starting a batch will ask of the pools, before anybody starts it."""

from dataclasses import dataclass
from uuid import UUID

from rewardrails.engine.core import Core
from rewardrails.store.sql import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolNeed:
    """What a batch still asks of one pool; smallest units, fees not counted. `pool` is None where there is none yet."""

    pool: str | None
    asset: str
    rows: int
    needed_minor: int
    available_minor: int


async def needs(core: Core, batch_id: UUID) -> list[PoolNeed]:
    """Need against available money, per pool, of the rows that are not payouts yet."""
    async with core.database.reading() as connection:
        wanted = await connection.fetch(sql("batch_needs"), batch_id)
        available = {row["name"]: row["available"] for row in await connection.fetch(sql("available_by_pool"))}
    found: dict[tuple[str, str | None], tuple[int, int]] = {}
    for row in wanted:
        campaign = core.config.campaigns.get(row["campaign"])
        name = campaign.pools.get(row["asset"]) if campaign else None
        key = (row["asset"], name if name in available else None)
        rows, amount = found.get(key, (0, 0))
        found[key] = (rows + row["rows"], amount + row["amount"])
    return [
        PoolNeed(
            pool=pool,
            asset=asset,
            rows=rows,
            needed_minor=amount,
            available_minor=available[pool] if pool is not None else 0,
        )
        for (asset, pool), (rows, amount) in found.items()
    ]
