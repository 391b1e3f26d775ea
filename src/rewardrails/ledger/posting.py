"""The only writer of transfers that are not part of a payout's step: pools, their funding and their withdrawals."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from rewardrails import ids
from rewardrails.domain.posting import FundingSource, TransferKind
from rewardrails.errors import FieldInvalid, NotFound, PoolExhausted, StateConflict
from rewardrails.store.database import Connection
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A funded budget in one asset; amounts in smallest units.

    `funded = available + reserved + paid + fees + suspense`; suspense is zero unless truth came after a release.
    """

    id: UUID
    name: str
    asset: str
    exponent: int
    available: int
    reserved: int
    paid: int
    fees: int
    suspense: int
    funded: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolMovement:
    """A funding or withdrawal as posted."""

    id: UUID
    pool_id: UUID
    kind: TransferKind
    source: FundingSource
    amount_minor: int
    reference: str


async def create_pool(connection: Connection, *, name: str, asset: str, exponent: int, actor: str) -> Pool:
    """Open an empty pool. Raises `StateConflict` when another pool has the name."""
    pool_id = ids.new_id()
    try:
        async with connection.transaction():
            await connection.execute(sql("insert_pool"), pool_id, name, asset, exponent, actor)
    except asyncpg.UniqueViolationError:
        raise StateConflict(f"there is a pool called {name!r} already; choose another name", field="name") from None
    await _tell(connection, pool_id, "pool.created", {"name": name, "asset": asset}, actor)
    return await read_pool(connection, pool_id)


async def read_pool(connection: Connection, pool_id: UUID) -> Pool:
    """One pool with its balances. Raises `NotFound`."""
    row = await connection.fetchrow(sql("read_pool"), pool_id)
    if row is None:
        raise NotFound(f"there is no pool {pool_id}")
    return Pool(**dict(row))


async def list_pools(connection: Connection, *, after: UUID | None = None, limit: int = 100) -> list[Pool]:
    """Pools in the order they were created."""
    return [Pool(**dict(row)) for row in await connection.fetch(sql("list_pools"), after, limit)]


async def pools_by_name(connection: Connection) -> dict[str, tuple[UUID, str]]:
    """Every pool's id and asset by its name."""
    return {row["name"]: (row["id"], row["asset"]) for row in await connection.fetch(sql("pools_by_name"))}


async def fund(
    connection: Connection, *, pool_id: UUID, source: FundingSource, amount_minor: int, reference: str, actor: str
) -> PoolMovement:
    """Put money into a pool, saying whose it is. Raises `NotFound`, `FieldInvalid`."""
    movement = _movement(TransferKind.FUND, pool_id, source, amount_minor, reference)
    return await _post(connection, movement, actor)


async def withdraw(
    connection: Connection, *, pool_id: UUID, source: FundingSource, amount_minor: int, reference: str, actor: str
) -> PoolMovement:
    """Give unreserved money back to a source, at most what it gave. Raises `NotFound`, `PoolExhausted`, `FieldInvalid`."""
    movement = _movement(TransferKind.WITHDRAW, pool_id, source, amount_minor, reference)
    return await _post(connection, movement, actor)


def _movement(
    kind: TransferKind, pool_id: UUID, source: FundingSource, amount_minor: int, reference: str
) -> PoolMovement:
    if amount_minor <= 0:
        raise FieldInvalid("amount must be more than zero", field="amount")
    return PoolMovement(
        id=ids.new_id(), pool_id=pool_id, kind=kind, source=source, amount_minor=amount_minor, reference=reference
    )


async def _post(connection: Connection, movement: PoolMovement, actor: str) -> PoolMovement:
    pool = await read_pool(connection, movement.pool_id)
    funds = movement.kind is TransferKind.FUND
    debit, credit = (movement.source.value, "available") if funds else ("available", movement.source.value)
    row = (movement.id, pool.id, movement.kind.value, debit, credit, movement.amount_minor, None, None)
    try:
        async with connection.transaction():
            await connection.execute(sql("insert_transfers"), *([value] for value in (*row, movement.reference)), actor)
    except asyncpg.CheckViolationError as error:
        raise PoolExhausted(
            f"pool {pool.name!r} has less than that available, or {movement.source.value} gave less; nothing was moved",
            field="amount",
        ) from error
    except asyncpg.NumericValueOutOfRangeError as error:
        raise FieldInvalid("amount does not fit the ledger (38 digits)", field="amount") from error
    data = {
        "kind": movement.kind.value,
        "source": movement.source.value,
        "amount_minor": str(movement.amount_minor),
        "pool": str(pool.id),
    }
    await _tell(connection, movement.id, "pool.funded" if funds else "pool.withdrawn", data, actor)
    return movement


async def _tell(connection: Connection, subject: UUID, event_type: str, data: dict[str, str], actor: str) -> None:
    await record_facts(
        connection, [Fact(subject_id=subject, version=1, type=event_type, data=json.dumps(data))], actor=actor
    )
