"""`rewardrails pause`: stop sending, and go on."""

from collections.abc import Sequence
from uuid import UUID

from cyclopts import App
from rich.table import Table

from rewardrails.cli.needs import needs
from rewardrails.cli.output import table
from rewardrails.cli.session import Here
from rewardrails.engine.pauses import Pause, PauseScope, PauseStops
from rewardrails.security.scopes import Scope

app = App(name="pause", help="Stop sending or accepting: everything, a provider, a campaign or a player; and go on.")


@app.command(name="set")
@needs(Scope.PAUSE)
async def set_pause(
    scope: PauseScope, subject: str = "", *, reason: str, stops: PauseStops = PauseStops.SENDING, session: Here
) -> None:
    """Stop sending (payouts wait), or accepting (new ones are refused and may be sent again later).

    Parameters
    ----------
    scope
        What to pause.
    subject
        The provider's, campaign's or player's name; nothing for everything.
    reason
        Why.
    stops
        What stands still.
    """
    async with session.rails() as rails:
        made = await rails.pause(scope, subject, reason=reason, stops=stops)
    session.output.show(made, _shown([made]), f"to go on: rewardrails pause lift {made.id}")


@app.command
@needs(Scope.PAUSE)
async def lift(pause: UUID, *, session: Here) -> None:
    """Let sending go on.

    Parameters
    ----------
    pause
        The pause's id.
    """
    async with session.rails() as rails:
        lifted = await rails.lift(pause)
    session.output.show(lifted, f"pause {lifted.id} is lifted")


@app.command(name="list")
@needs(Scope.READ)
async def list_pauses(*, session: Here) -> None:
    """Show the pauses in force."""
    async with session.rails() as rails:
        found = await rails.pauses()
    session.output.show(found, _shown(found))


def _shown(pauses: Sequence[Pause]) -> Table:
    rows = [
        (one.id, one.scope.value, one.subject, one.stops.value, one.reason, one.created_by, one.created_at)
        for one in pauses
    ]
    return table("Pauses", ("id", "scope", "subject", "stops", "reason", "by", "since"), rows)
