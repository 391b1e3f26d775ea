"""Pools: open, read, fund, withdraw."""

from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_once, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.pagination import DEFAULT_LIMIT, Cursor, Limit, after_id, cursor_at, page_of
from rewardrails.api.schemas.pools import MovementIn, MovementOut, PoolIn, PoolOut, PoolPage
from rewardrails.domain.assets import Asset, parse_amount
from rewardrails.domain.posting import FundingSource
from rewardrails.engine.core import Core
from rewardrails.ledger import posting
from rewardrails.ledger.posting import PoolMovement
from rewardrails.security.keys import Scope
from rewardrails.store.database import Connection


class _Verb(Protocol):
    def __call__(
        self,
        connection: Connection,
        *,
        pool_id: UUID,
        source: FundingSource,
        amount_minor: int,
        reference: str,
        actor: str,
    ) -> Awaitable[PoolMovement]: ...


@post("/", guards=[Requires(Scope.POOLS)], status_code=201)
async def create_pool(
    request: ApiRequest, core: Injected[Core], data: JSONBody[PoolIn], idempotency_key: IdempotencyKey
) -> Response[PoolOut]:
    """Open an empty pool of a redeemable asset."""
    asset = core.config.pool_asset(data.asset)

    async def work(tx: Connection) -> tuple[int, PoolOut]:
        pool = await posting.create_pool(
            tx, name=data.name, asset=asset.code, exponent=asset.exponent, actor=request.user.actor
        )
        return 201, PoolOut.of(pool)

    return await answer_once(core, call_of(core, request.user, "pools.create", idempotency_key, data), work)


@get("/", guards=[Requires(Scope.READ)])
async def list_pools(core: Injected[Core], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> PoolPage:
    """Pools with their balances, in the order they were created."""
    async with core.database.reading() as connection:
        found = await posting.list_pools(connection, after=after_id(cursor), limit=limit + 1)
    rows, more = page_of(found, limit)
    return PoolPage(pools=[PoolOut.of(pool) for pool in rows], next_cursor=cursor_at(rows[-1].id) if more else None)


@get("/{pool_id:uuid}", guards=[Requires(Scope.READ)])
async def read_pool(core: Injected[Core], pool_id: FromPath[UUID]) -> PoolOut:
    """One pool with its balances."""
    async with core.database.reading() as connection:
        return PoolOut.of(await posting.read_pool(connection, pool_id))


@post("/{pool_id:uuid}/fundings", guards=[Requires(Scope.POOLS)], status_code=201)
async def fund_pool(
    request: ApiRequest,
    core: Injected[Core],
    pool_id: FromPath[UUID],
    data: JSONBody[MovementIn],
    idempotency_key: IdempotencyKey,
) -> Response[MovementOut]:
    """Put money into a pool, saying whose it is. Players' entry fees are not a source."""
    call = call_of(core, request.user, "pools.fund", idempotency_key, pool_id, data)
    return await answer_once(core, call, _moving(posting.fund, pool_id, data, request.user.actor))


@post("/{pool_id:uuid}/withdrawals", guards=[Requires(Scope.POOLS)], status_code=201)
async def withdraw_from_pool(
    request: ApiRequest,
    core: Injected[Core],
    pool_id: FromPath[UUID],
    data: JSONBody[MovementIn],
    idempotency_key: IdempotencyKey,
) -> Response[MovementOut]:
    """Give unreserved money back to a source, at most what it gave."""
    call = call_of(core, request.user, "pools.withdraw", idempotency_key, pool_id, data)
    return await answer_once(core, call, _moving(posting.withdraw, pool_id, data, request.user.actor))


def _moving(
    verb: _Verb, pool_id: UUID, data: MovementIn, actor: str
) -> Callable[[Connection], Awaitable[tuple[int, MovementOut]]]:
    async def work(tx: Connection) -> tuple[int, MovementOut]:
        pool = await posting.read_pool(tx, pool_id)
        minor = parse_amount(data.amount, Asset(code=pool.asset, exponent=pool.exponent, redeemable=True))
        moved = await verb(
            tx, pool_id=pool_id, source=data.source, amount_minor=minor, reference=data.reference, actor=actor
        )
        return 201, MovementOut.of(moved, pool.exponent)

    return work


router = Router(
    "/v1/pools", route_handlers=[create_pool, list_pools, read_pool, fund_pool, withdraw_from_pool], tags=["Pools"]
)
