"""Whether the parts of a file fit together: names that lead somewhere, assets that match, money kept apart from play money."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from urllib.parse import urlsplit

from rewardrails.config import file as written
from rewardrails.config import file_sign_in, gates, wallets
from rewardrails.config.model import Environment
from rewardrails.config.problems import Problem, unknown_name
from rewardrails.domain.destination import PARSERS
from rewardrails.providers.capabilities import ProviderEnvironment


def contradictions(file: written.File) -> Iterator[Problem]:
    """Everything in a well-shaped file that cannot be meant."""
    if file.environment is Environment.LIVE and file.network != "mainnet":
        yield Problem(("network",), "a live environment pays to mainnet addresses: testnet ones would take real money")
    yield from _about_kinds(file)
    yield from _about_pools(file)
    yield from _about_campaigns(file)
    yield from _about_routes(file)
    yield from _about_providers(file)
    yield from _about_endpoints(file)
    yield from gates.contradictions(file)
    yield from wallets.contradictions(file)
    yield from file_sign_in.contradictions(file.sign_in)


def _about_kinds(file: written.File) -> Iterator[Problem]:
    for name, kind in file.destination_kinds.items():
        if kind.parser not in PARSERS:
            yield Problem(("destination_kinds", name, "parser"), unknown_name("parser", kind.parser, PARSERS))
        for code in kind.assets:
            if code not in file.assets:
                yield Problem(("destination_kinds", name, "assets"), unknown_name("asset", code, file.assets))


def _about_pools(file: written.File) -> Iterator[Problem]:
    for name, pool in file.pools.items():
        here = ("pools", name, "asset")
        if pool.asset not in file.assets:
            yield Problem(here, unknown_name("asset", pool.asset, file.assets))
        elif not file.assets[pool.asset].redeemable:
            yield Problem(here, f"{pool.asset} is not redeemable, so no pool can hold it")


def _about_campaigns(file: written.File) -> Iterator[Problem]:
    for campaign, table in file.campaigns.items():
        for asset, name in table.pools.items():
            here = ("campaigns", campaign, "pools", asset)
            if name not in file.pools:
                yield Problem(here, unknown_name("pool", name, file.pools))
            elif file.pools[name].asset != asset:
                yield Problem(here, f"pool {name!r} holds {file.pools[name].asset}, not {asset}")


def _about_routes(file: written.File) -> Iterator[Problem]:
    for index, route in enumerate(file.routes):
        known: dict[str, tuple[str | None, Collection[str]]] = {
            "provider": (route.provider, file.providers),
            "destination_kind": (route.destination_kind, file.destination_kinds),
            "campaign": (route.campaign, file.campaigns),
            "asset": (route.asset, file.assets),
        }
        for key, (used, names) in known.items():
            if used is not None and used not in names:
                yield Problem(("routes", index, key), unknown_name(key.replace("_", " "), used, names))
        yield from _about_bounds(index, route)
        yield from _about_reach(file, index, route)


def _about_bounds(index: int, route: written.RouteTable) -> Iterator[Problem]:
    """An amount means nothing without its asset, and bounds that cross take nothing."""
    bounded = "min_amount" if route.min_amount is not None else "max_amount"
    if route.asset is None and getattr(route, bounded) is not None:
        yield Problem(("routes", index, bounded), "needs an asset: name the one this amount is in")
    low, high = _bounds(route)
    if low > high:
        yield Problem(("routes", index, "min_amount"), "is more than max_amount: no payout can take this route")


def _bounds(route: written.RouteTable) -> tuple[Decimal, Decimal]:
    return Decimal(route.min_amount or 0), Decimal(route.max_amount or "Infinity")


def _about_reach(file: written.File, index: int, route: written.RouteTable) -> Iterator[Problem]:
    """A route that nothing can ever take is a slip, and what it was meant for goes elsewhere."""
    kind = file.destination_kinds.get(route.destination_kind)
    if kind and route.asset in file.assets and route.asset not in kind.assets:
        yield Problem(("routes", index, "asset"), f"{route.destination_kind} cannot carry {route.asset}")
    campaigns = [table for name, table in file.campaigns.items() if route.campaign in (None, name)]
    paid_in = {code for table in campaigns for code in table.jurisdictions}
    if campaigns and (never := sorted(set(route.jurisdictions) - paid_in)):
        yield Problem(("routes", index, "jurisdictions"), f"no campaign of this route pays out in {', '.join(never)}")
    for earlier, other in enumerate(file.routes[:index]):
        if _covers(other, route):
            yield Problem(
                ("routes", index), f"is never reached: route {earlier} takes all of it; put this one before it"
            )
            return


def _covers(wide: written.RouteTable, narrow: written.RouteTable) -> bool:
    return (
        wide.destination_kind == narrow.destination_kind
        and wide.campaign in (None, narrow.campaign)
        and wide.asset in (None, narrow.asset)
        and (
            not wide.jurisdictions or (bool(narrow.jurisdictions) and {*narrow.jurisdictions} <= {*wide.jurisdictions})
        )
        and _bounds(wide)[0] <= _bounds(narrow)[0]
        and _bounds(narrow)[1] <= _bounds(wide)[1]
    )


def _about_providers(file: written.File) -> Iterator[Problem]:
    for name, provider in file.providers.items():
        live = provider.environment is ProviderEnvironment.LIVE
        if provider.enabled and live != (file.environment is Environment.LIVE):
            words = f"a {provider.environment} provider cannot be enabled in a {file.environment} environment"
            yield Problem(("providers", name, "environment"), words)
        for code in provider.fees.fixed:
            if code not in file.assets:
                here = ("providers", name, "fees", "fixed", code)
                yield Problem(here, unknown_name("asset", code, file.assets))


def _about_endpoints(file: written.File) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, endpoint in enumerate(file.events.endpoints):
        if endpoint.name in seen:
            yield Problem(("events", "endpoints", index, "name"), f"two endpoints are called {endpoint.name!r}")
        seen.add(endpoint.name)
        if not _is_callable(endpoint):
            words = "must be an https address without a user in it (http only together with allow_private = true)"
            yield Problem(("events", "endpoints", index, "url"), words)


def _is_callable(endpoint: written.EndpointTable) -> bool:
    try:
        parts = urlsplit(endpoint.url)
        host = parts.hostname
    except ValueError:
        return False
    schemes = {"https", "http"} if endpoint.allow_private else {"https"}
    return parts.scheme in schemes and bool(host) and "@" not in parts.netloc
