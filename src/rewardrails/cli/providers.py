"""`rewardrails providers`: the rails, and how they are."""

from cyclopts import App

from rewardrails.api.routes.providers import provider_out
from rewardrails.api.schemas.providers import ProviderOut
from rewardrails.cli.exits import ExitCode
from rewardrails.cli.needs import needs
from rewardrails.cli.output import count, table
from rewardrails.cli.session import Here
from rewardrails.engine.check import check_provider
from rewardrails.security.scopes import Scope
from rewardrails.store.sql import sql

app = App(name="providers", help="The rails, and how they are.")


@app.command(name="list")
@needs(Scope.READ)
async def list_providers(*, session: Here) -> None:
    """Show every configured provider: whether it may send, how it answers, what waits."""
    async with session.rails() as rails:
        async with rails.core.database.reading() as connection:
            figures = {row["name"]: row for row in await connection.fetch(sql("provider_figures"))}
        found = [provider_out(rails.core, name, figures[name]) for name in sorted(rails.core.config.providers)]
    columns = ("name", "type", "adapter", "money", "standing", ">ready", ">sending", ">under way", "last error")
    rows = [
        (
            one.name,
            one.type.value,
            one.adapter,
            one.environment.value,
            _standing(one),
            one.waiting.ready,
            one.waiting.sending,
            one.waiting.under_way,
            one.health.last_code,
        )
        for one in found
    ]
    session.output.show(found, table("Providers", columns, rows))


@app.command
@needs(Scope.OPERATE)
async def check(name: str, *, session: Here) -> int:
    """Ask a provider whether our account is ready to pay, and say what to fix. It moves nothing. Exit code 1 if it is not.

    Parameters
    ----------
    name
        The provider, as the configuration names it.
    """
    async with session.rails() as rails:
        found = await check_provider(rails.core, name)
    wrong = sum(not one.is_right for one in found)
    rows = [("✓" if one.is_right else "✗", one.about, one.found, one.do) for one in found]
    shown = table(f"Provider {name}", ("", "about", "found", "what to do"), rows)
    session.output.show(found, shown, f"{count(wrong, 'thing')} to do" if wrong else "ready to pay")
    return ExitCode.REFUSED if wrong else ExitCode.OK


def _standing(one: ProviderOut) -> str:
    if not one.enabled:
        return f"off: {one.why_disabled}"
    return f"resting until {one.health.closed_until:%H:%M:%S}Z" if one.health.broken else "on"
