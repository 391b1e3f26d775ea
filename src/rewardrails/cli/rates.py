"""`rewardrails rates`: what assets are worth in the reference unit."""

from collections.abc import Sequence

from cyclopts import App
from rich.table import Table

from rewardrails import clock
from rewardrails.api.schemas.rates import RateList
from rewardrails.cli.moments import Moment
from rewardrails.cli.needs import needs
from rewardrails.cli.output import duration, table
from rewardrails.cli.session import Here
from rewardrails.config import Config
from rewardrails.engine.rates import AssetRate
from rewardrails.errors import FieldInvalid
from rewardrails.security.scopes import Scope

app = App(name="rates", help="What assets are worth in the reference unit, for limits that add up several assets.")


@app.command(name="set")
@needs(Scope.TREASURY)
async def set_rates(*rates: str, source: str, dated: Moment | None = None, session: Here) -> None:
    """Say what one whole unit of assets is worth in whole reference units. An older rate never replaces a newer one.

    Parameters
    ----------
    rates
        Each as ASSET=RATE, such as TON=2.81.
    source
        Where they come from.
    dated
        When they were seen: a day or a moment; now if left out.
    """
    when, values = dated or clock.now(), dict(_pair(text) for text in rates)
    async with session.rails() as rails:
        now = await rails.gates.set_rates(values, dated=when, source=source)
        shown, config = RateList.of(rails.core, now), rails.core.config
    kept = [one.asset for one in now if one.asset in values and one.dated > when]
    words = [f"kept as it was, because it is newer: {', '.join(kept)}"] if kept else []
    session.output.show(shown, _shown(now, config), *words, *rates_at_fault(config, now))


@app.command
@needs(Scope.READ)
async def show(*, session: Here) -> None:
    """Show the rates in force, and which are missing or too old."""
    async with session.rails() as rails:
        found, config = await rails.gates.rates(), rails.core.config
        shown = RateList.of(rails.core, found)
    session.output.show(shown, _shown(found, config), *rates_at_fault(config, found))


def rates_at_fault(config: Config, found: Sequence[AssetRate]) -> list[str]:
    """Assets whose payouts are held for want of a rate; nothing where no limit needs one."""
    if not any(limit.asset is None and limit.max_minor is not None for limit in config.rules.limits):
        return []
    fresh = {one.asset for one in found if not _too_old(config, one)}
    wanted = sorted(name for name, asset in config.assets.items() if asset.redeemable and name not in fresh)
    return (
        [f"no fresh rate, so that payouts under a limit in {config.rules.reference_unit} are held: {', '.join(wanted)}"]
        if wanted
        else []
    )


def _too_old(config: Config, one: AssetRate) -> bool:
    return one.dated + config.rules.rate_age <= clock.now()


def _pair(text: str) -> tuple[str, str]:
    asset, equals, rate = text.partition("=")
    if not equals:
        raise FieldInvalid(f"write each rate as ASSET=RATE, such as TON=2.81, not {text[:40]!r}", field="rates")
    return asset.strip(), rate.strip()


def _shown(found: Sequence[AssetRate], config: Config) -> Table:
    now, unit = clock.now(), config.rules.reference_unit
    rows = [
        (
            one.asset,
            f"{one.value:f} {unit}",
            one.dated,
            duration(max(0.0, (now - one.dated).total_seconds())),
            "TOO OLD" if _too_old(config, one) else "",
            one.source,
            one.set_by,
        )
        for one in found
    ]
    return table("Rates", ("asset", ">one is worth", "dated", ">age", "", "source", "by"), rows)
