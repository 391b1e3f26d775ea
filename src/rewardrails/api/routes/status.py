"""One plain page for people: is it running, and where do payouts stand?"""

from collections.abc import Iterable, Sequence
from html import escape

from litestar import MediaType, Response, get

from rewardrails.api.auth import Requires
from rewardrails.api.inject import Injected
from rewardrails.api.routes.providers import provider_out
from rewardrails.api.schemas.pools import PoolOut
from rewardrails.api.schemas.providers import ProviderOut
from rewardrails.engine import read
from rewardrails.engine.core import Core
from rewardrails.ledger import posting
from rewardrails.security.keys import Scope
from rewardrails.store.sql import sql

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1a1a1a }
h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; margin: 1.6rem 0 .3rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .25rem .6rem .25rem 0 }
th { font-weight: 600; border-bottom: 1px solid #999 } td { border-bottom: 1px solid #ddd }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@get(
    "/",
    guards=[Requires(Scope.READ, open_in_test=True)],
    media_type=MediaType.HTML,
    include_in_schema=False,
)
async def status_page(core: Injected[Core]) -> Response[str]:
    """Payouts by state, providers, workers, pools. Outside a test environment it needs a key like everything else."""
    counts = await read.count_by_state(core)
    async with core.database.reading() as connection:
        figures = await connection.fetch(sql("provider_figures"))
        workers = await connection.fetch(sql("live_workers"))
        pools = await posting.list_pools(connection)
    providers = [provider_out(core, row["name"], row) for row in figures if row["name"] in core.config.providers]
    page = "".join(
        (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>RewardRails</title><style>{_STYLE}</style>",
            f"<h1>RewardRails <small>{escape(core.config.environment.value)}</small></h1>",
            _table("Payouts", ("state", "asset", "payouts"), [(s, a, n) for (s, a), n in counts.items()]),
            _table(
                "Providers", ("name", "type", "standing", "ready", "sending", "under way"), map(_provider, providers)
            ),
            _table("Workers", ("name", "last seen"), [(w["name"], f"{w['seen_at']:%H:%M:%S} UTC") for w in workers]),
            _table("Pools", ("name", "asset", "available", "reserved", "paid"), map(_pool, map(PoolOut.of, pools))),
        )
    )
    return Response(page, media_type=MediaType.HTML, headers={"Content-Security-Policy": _POLICY})


def _provider(one: ProviderOut) -> tuple[object, ...]:
    standing = one.why_disabled or (f"broken: {one.health.last_code}" if one.health.broken else "on")
    return one.name, one.type, standing, one.waiting.ready, one.waiting.sending, one.waiting.under_way


def _pool(one: PoolOut) -> tuple[object, ...]:
    return one.name, one.asset, one.available.amount, one.reserved.amount, one.paid.amount


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(name)}" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}" for cell in row) for row in rows)
    shown = f"<table><tr>{head}{body}</table>" if body else "<p>none"
    return f"<h2>{escape(title)}</h2>{shown}"
