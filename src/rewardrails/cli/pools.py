"""`rewardrails pools`: the budgets rewards come out of."""

from typing import Annotated

from cyclopts import App, Parameter

from rewardrails.api.schemas.pools import MovementOut, PoolOut
from rewardrails.cli.needs import needs
from rewardrails.cli.output import money, table
from rewardrails.cli.session import Here
from rewardrails.domain.posting import FundingSource
from rewardrails.ledger.posting import Pool, PoolMovement
from rewardrails.security.scopes import Scope

app = App(name="pools", help="Budgets that rewards come out of, one asset each.")
_COLUMNS = ("name", "asset", ">available", ">reserved", ">paid", ">fees", ">suspense", ">funded", "id")


@app.command(name="list")
@needs(Scope.READ)
async def list_pools(*, session: Here) -> None:
    """Show every pool with its balances."""
    async with session.rails() as rails:
        pools = await rails.pools()
    shown = [PoolOut.of(pool) for pool in pools]
    session.output.show(shown, table("Pools", _COLUMNS, [_row(pool) for pool in shown]))


@app.command
@needs(Scope.POOLS)
async def create(name: str, asset: str, *, session: Here) -> None:
    """Open an empty pool.

    Parameters
    ----------
    name
        What it is called.
    asset
        A declared asset.
    """
    async with session.rails() as rails:
        pool = PoolOut.of(await rails.create_pool(name, asset))
    session.output.show(pool, table("Pool", _COLUMNS, [_row(pool)]))


@app.command
@needs(Scope.READ)
async def show(pool: str, *, session: Here) -> None:
    """Show one pool.

    Parameters
    ----------
    pool
        Its name or id.
    """
    async with session.rails() as rails:
        found = PoolOut.of(await rails.pool(pool))
    session.output.show(found, table("Pool", _COLUMNS, [_row(found)]))


@app.command
@needs(Scope.POOLS)
async def fund(
    pool: str,
    amount: str,
    *,
    source: Annotated[FundingSource, Parameter(name="--source")],
    reference: str = "",
    session: Here,
) -> None:
    """Put money into a pool, saying whose it is. Players' entry fees are not a source.

    Parameters
    ----------
    pool
        Its name or id.
    amount
        In whole units, such as 500.00.
    source
        Where the money comes from.
    reference
        Your own reference: a contract, a transfer.
    """
    async with session.rails() as rails:
        moved = await rails.fund(pool, amount, source=source, reference=reference)
        now = await rails.pool(pool)
    _told(session, moved, now, "put into")


@app.command
@needs(Scope.POOLS)
async def withdraw(
    pool: str,
    amount: str,
    *,
    source: Annotated[FundingSource, Parameter(name="--source")],
    reference: str = "",
    session: Here,
) -> None:
    """Give unreserved money back to a source, at most what it gave.

    Parameters
    ----------
    pool
        Its name or id.
    amount
        In whole units, such as 500.00.
    source
        Whom it goes back to.
    reference
        Your own reference.
    """
    async with session.rails() as rails:
        moved = await rails.withdraw(pool, amount, source=source, reference=reference)
        now = await rails.pool(pool)
    _told(session, moved, now, "given back out of")


def _told(session: Here, moved: PoolMovement, now: Pool, words: str) -> None:
    out, pool = MovementOut.of(moved, now.exponent), PoolOut.of(now)
    session.output.show(
        out,
        f"{money(out.amount, pool.asset)} {words} {pool.name} ({out.source.value}); "
        f"available now: {money(pool.available, pool.asset)}",
    )


def _row(pool: PoolOut) -> tuple[object, ...]:
    figures = (pool.available, pool.reserved, pool.paid, pool.fees, pool.suspense, pool.funded)
    return (pool.name, pool.asset, *(figure.amount for figure in figures), pool.id)
