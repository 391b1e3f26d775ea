"""`rewardrails keys`: who may call."""

from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from rewardrails.cli.needs import needs
from rewardrails.cli.output import table
from rewardrails.cli.session import Here
from rewardrails.security import keys
from rewardrails.security.scopes import Scope

app = App(name="keys", help="API keys: one for each person and each program.")


@app.command
@needs(Scope.PEOPLE)
async def create(name: str, *, scope: Annotated[list[Scope], Parameter(negative="")], session: Here) -> None:
    """Make a key and show it, this once.

    Parameters
    ----------
    name
        Whose it is.
    scope
        What it may do; repeat it for more. `admin` may do everything.
    """
    async with session.rails() as rails:
        if (caller := await session.caller(rails.core)) is not None:
            keys.require_grantable(caller, frozenset(scope))
        key, token = await keys.create_key(
            rails.core.database, rails.core.vault, name=name, scopes=frozenset(scope), actor=rails.actor
        )
    session.output.show(
        {"id": key.id, "name": key.name, "scopes": sorted(key.scopes), "key": token.reveal()},
        f"key {key.id} for {key.name} ({', '.join(sorted(key.scopes))}); it is shown only now:",
        token.reveal(),
    )


@app.command(name="list")
@needs(Scope.AUDIT)
async def list_keys(*, session: Here) -> None:
    """Show every key; their secrets are not kept."""
    async with session.rails() as rails:
        found = await keys.list_keys(rails.core.database)
    rows = [
        (one.id, one.name, ", ".join(sorted(one.scopes)), one.created_by, one.created_at, one.revoked_at)
        for one in found
    ]
    session.output.show(found, table("API keys", ("id", "name", "scopes", "by", "created", "revoked"), rows))


@app.command
@needs(Scope.PEOPLE)
async def revoke(key: UUID, *, session: Here) -> None:
    """Make a key useless; running processes believe it for a few seconds more.

    Parameters
    ----------
    key
        Its id.
    """
    async with session.rails() as rails:
        await keys.revoke_key(rails.core.database, key, actor=rails.actor)
    session.output.show({"id": key, "revoked": True}, f"key {key} is revoked")
