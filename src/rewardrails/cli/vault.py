"""`rewardrails vault`: which keys seal what is stored, and sealing it anew after a new master key."""

from cyclopts import App

from rewardrails.cli.exits import ExitCode
from rewardrails.cli.needs import needs
from rewardrails.cli.output import table
from rewardrails.cli.session import Here
from rewardrails.engine import reseal as resealing
from rewardrails.facade import RewardRails
from rewardrails.security.data_keys import stored_keys
from rewardrails.security.scopes import Scope

app = App(name="vault", help="What stored data are sealed with.")


@app.command
@needs(Scope.READ)
async def status(*, session: Here) -> None:
    """List the data keys: what each is for, which master key or key service opens it, and whether it is retired."""
    async with session.rails() as rails:
        rows = await stored_keys(rails.core.database)
        lines = [
            {
                "id": row["id"],
                "purpose": row["purpose"],
                "wrapped_by": row["wrapped_by"],
                "created_at": row["created_at"].isoformat(),
                "state": _state(
                    rails, row["id"], retired=row["retired_at"] is not None, seals=row["purpose"] == "seal"
                ),
            }
            for row in rows
        ]
    columns = ("id", "purpose", "wrapped_by", "created_at", "state")
    session.output.show(lines, table("Data keys", columns, [tuple(line[name] for name in columns) for line in lines]))


@app.command
@needs(Scope.PEOPLE)
async def reseal(*, batch: int = resealing.BATCH, session: Here) -> int:
    """Seal everything stored with the present key, while workers go on; then older keys are retired.

    A run that was ended goes on with the next one. Exit code 1 when something is left that no key opens.

    Parameters
    ----------
    batch
        How many values are sealed in one transaction.
    """
    async with session.rails() as rails:
        done = await resealing.reseal(rails.core, actor=rails.actor, batch=batch)
        left = sorted(await resealing.keys_in_use(rails.core))
    session.output.show(
        {"values": done.values, "unreadable": done.unreadable, "retired": done.retired, "still_in_use": left},
        f"sealed {done.values} values anew; retired: {', '.join(done.retired) or 'no key'}",
        *([f"{done.unreadable} values are opened by no key: see the runbook on lost keys"] if done.unreadable else []),
        *([f"still in use: {', '.join(key or 'clear text' for key in left)}: run it again"] if left else []),
    )
    return ExitCode.REFUSED if left else ExitCode.OK


def _state(rails: RewardRails, key_id: str, *, retired: bool, seals: bool) -> str:
    if retired:
        return "retired"
    return "opens and seals" if key_id == rails.core.vault.key_id else "opens" if seals else "never changes"
