"""`rewardrails events`: the sealed log."""

from uuid import UUID

from cyclopts import App

from rewardrails.api.schemas.payouts import EventOut
from rewardrails.cli.needs import needs
from rewardrails.cli.output import table
from rewardrails.cli.session import Here
from rewardrails.security.scopes import Scope

app = App(name="events", help="The sealed log of everything that was decided.")


@app.command(name="list")
@needs(Scope.READ)
async def list_events(*, after: int = 0, limit: int = 100, subject: UUID | None = None, session: Here) -> None:
    """Show sealed events in their order.

    Parameters
    ----------
    after
        Begin behind this position.
    limit
        How many.
    subject
        Only those of one payout, pool, pause or key.
    """
    async with session.rails() as rails:
        whole = await session.sees_words(rails.core)
        found = [
            EventOut.of(one, whole=whole) for one in await rails.events(after=after, limit=limit, subject_id=subject)
        ]
    rows = [(one.position, one.created_at, one.type, one.subject_id, one.version, one.actor) for one in found]
    session.output.show(found, table("Events", (">position", "when", "event", "subject", ">version", "actor"), rows))
