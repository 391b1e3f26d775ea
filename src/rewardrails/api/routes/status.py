"""One plain page for people: is it running, and where do payouts stand?"""

from collections.abc import Iterable, Sequence
from html import escape

from litestar import MediaType, Response, get

from rewardrails.api.auth import Requires
from rewardrails.api.inject import Injected
from rewardrails.api.routes.providers import provider_out
from rewardrails.api.schemas.pools import PoolOut
from rewardrails.api.schemas.providers import ProviderOut
from rewardrails.engine import pauses, read
from rewardrails.engine.core import Core
from rewardrails.ledger import posting
from rewardrails.security.keys import Scope
from rewardrails.store.sql import sql

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: #1a1a1a }
h1 { font-size: 1.4rem } h1 small { font-size: .9rem; font-weight: 400; color: #666; margin-left: .3rem }
h2 { font-size: 1.05rem; margin: 1.8rem 0 .3rem } p { color: #666; margin: 0 }
table { border-collapse: collapse } th, td { text-align: left; padding: .25rem 2rem .25rem 0 }
th { font-weight: 600; border-bottom: 1px solid #999; white-space: nowrap }
td { border-bottom: 1px solid #ddd; vertical-align: top }
td:first-child { white-space: nowrap } :is(th, td):last-child { padding-right: 0 }
.n { text-align: right; font-variant-numeric: tabular-nums }
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
            "<!doctype html><html lang=en><meta charset=utf-8>",
            f"<meta name=viewport content='width=device-width'><title>RewardRails</title><style>{_STYLE}</style>",
            f"<h1>RewardRails <small>{escape(core.config.environment.value)}</small></h1>",
            _table("Payouts", ("state", "asset", ">payouts"), [(s, a, n) for (s, a), n in counts.items()]),
            _table(
                "Providers",
                ("name", "type", "standing", ">ready", ">sending", ">under way"),
                map(_provider, providers),
            ),
            _table(
                "Pauses",
                ("what", "reason", "since"),
                [
                    (f"{one.scope} {one.subject}", one.reason, f"{one.created_at:%Y-%m-%d %H:%M:%S} UTC")
                    for one in await pauses.active(core)
                ],
            ),
            _table("Workers", ("name", "last seen"), [(w["name"], f"{w['seen_at']:%H:%M:%S} UTC") for w in workers]),
            _table("Pools", ("name", "asset", ">available", ">reserved", ">paid"), map(_pool, map(PoolOut.of, pools))),
        )
    )
    return Response(page, media_type=MediaType.HTML, headers={"Content-Security-Policy": _POLICY})


def _provider(one: ProviderOut) -> tuple[object, ...]:
    standing = (
        f"off: {one.why_disabled}"
        if one.why_disabled
        else (f"broken: {one.health.last_code}" if one.health.broken else "on")
    )
    return one.name, one.type, standing, one.waiting.ready, one.waiting.sending, one.waiting.under_way


def _pool(one: PoolOut) -> tuple[object, ...]:
    return one.name, one.asset, one.available.amount, one.reserved.amount, one.paid.amount


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; columns whose name begins with ">" hold figures."""
    kinds = [" class=n" if name.startswith(">") else "" for name in columns]
    head = "".join(f"<th{kind}>{escape(name.lstrip('>'))}" for name, kind in zip(columns, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(str(cell))}" for cell, kind in zip(row, kinds, strict=True))
        for row in rows
    )
    shown = f"<table><tr>{head}{body}</table>" if body else "<p>none"
    return f"<h2>{escape(title)}</h2>{shown}"
