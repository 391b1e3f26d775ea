"""Quotes: what a payout will cost, kept for one use."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from rewardrails import clock, ids
from rewardrails.domain.money import Money
from rewardrails.domain.quote import QuoteRequest
from rewardrails.domain.reward import RewardRow
from rewardrails.engine.core import Core
from rewardrails.engine.request import PinnedQuote
from rewardrails.errors import FieldInvalid, NotFound, PoolExhausted, ProviderDisabled, QuoteExpired
from rewardrails.ledger.posting import pools_by_name
from rewardrails.store.sql import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredQuote:
    """A quote as kept: `amount` arrives, `fee` is the most that is charged on top; smallest units."""

    id: UUID
    provider: str
    pool_id: UUID
    asset: str
    amount_minor: int
    fee_minor: int
    expires_at: datetime


async def quote(core: Core, reward: RewardRow, *, actor: str) -> StoredQuote:
    """Ask the rail that the routes choose what this reward will cost, and keep the answer.

    Raises `ProviderDisabled` when no enabled provider takes it, `PoolExhausted` when its campaign has no pool.
    """
    name = core.config.route(
        reward.campaign, reward.jurisdiction, reward.destination.kind, reward.asset, reward.amount_minor
    )
    provider = core.providers.get(name) if name else None
    if provider is None or not core.sends(name):
        raise ProviderDisabled(
            f"no enabled provider pays {reward.destination.kind!r} in {reward.asset}: add a route, enable it"
        )
    async with core.database.reading() as connection:
        pools = await pools_by_name(connection)
    pool = pools.get(core.config.campaigns[reward.campaign].pools.get(reward.asset, ""))
    if pool is None:
        raise PoolExhausted(f"campaign {reward.campaign!r} has no pool in {reward.asset}: create and fund one")
    answer = await provider.quote(
        QuoteRequest(
            amount=Money(amount_minor=reward.amount_minor, asset=reward.asset),
            destination=reward.destination,
            player_id=reward.player_id,
            jurisdiction=reward.jurisdiction,
        )
    )
    stored = StoredQuote(
        id=ids.new_id(),
        provider=provider.name,
        pool_id=pool[0],
        asset=reward.asset,
        amount_minor=reward.amount_minor,
        fee_minor=answer.fee.amount_minor,
        expires_at=answer.expires_at,
    )
    async with core.database.transaction() as tx:
        await tx.execute(
            sql("insert_quote"),
            stored.id,
            stored.pool_id,
            stored.provider,
            reward.campaign,
            reward.player_id,
            reward.jurisdiction,
            reward.destination.kind,
            core.digest_destination(reward.destination),
            stored.asset,
            stored.amount_minor,
            stored.fee_minor,
            stored.expires_at,
            actor,
        )
    return stored


async def pinned(core: Core, quote_id: UUID, reward: RewardRow) -> PinnedQuote:
    """The quote for exactly this reward, unused and in time.

    Raises `NotFound`, `FieldInvalid` when it was made for something else, `QuoteExpired` when it lapsed.
    """
    async with core.database.reading() as connection:
        row = await connection.fetchrow(sql("read_quote"), quote_id)
    if row is None:
        raise NotFound(f"there is no quote {quote_id}", field="quote_id")
    if not _is_for(core, row, reward):
        raise FieldInvalid(f"quote {quote_id} was made for another payout", field="quote_id")
    if row["expires_at"] <= clock.now():
        raise QuoteExpired(f"quote {quote_id} lapsed at {row['expires_at']:%Y-%m-%dT%H:%M:%SZ}: ask for another")
    return PinnedQuote(id=quote_id, provider=row["provider"], fee_minor=row["fee"], expires_at=row["expires_at"])


def _is_for(core: Core, row: asyncpg.Record, reward: RewardRow) -> bool:
    return bool(
        (row["campaign"], row["player_id"], row["jurisdiction"], row["asset"], row["amount"])
        == (reward.campaign, reward.player_id, reward.jurisdiction, reward.asset, reward.amount_minor)
        and row["destination_digest"] == core.digest_destination(reward.destination)
    )
