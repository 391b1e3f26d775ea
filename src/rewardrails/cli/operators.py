"""`rewardrails operators`: people, what they are, and how they sign in."""

from typing import Annotated

from cyclopts import App, Parameter

from rewardrails.cli import prompts
from rewardrails.cli.needs import needs
from rewardrails.cli.output import table
from rewardrails.cli.session import Here
from rewardrails.errors import FieldInvalid
from rewardrails.security import operators
from rewardrails.security.operators import Enrolment, NewOperator
from rewardrails.security.roles import Role
from rewardrails.security.scopes import Scope

app = App(
    name="operators", help="People who sign in. Once there is one, whatever changes something needs a person's name."
)
_COLUMNS = ("name", "roles", "signs in with", "id", "added by", "added", "seen", "disabled")
Roles = Annotated[list[Role], Parameter(negative="")]


@app.command
@needs(Scope.PEOPLE)
async def add(
    name: str,
    *,
    role: Roles,
    oidc_issuer: str | None = None,
    oidc_subject: str | None = None,
    telegram: int | None = None,
    session: Here,
) -> None:
    """Add a person. Without another way to sign in, a password is asked for, or read from standard input; never an argument.

    Parameters
    ----------
    name
        Whom it is.
    role
        What they are; repeat it for more. The first person has to be an admin.
    oidc_issuer
        They sign in through this issuer, a configured one.
    oidc_subject
        Who they are there (the claim `sub`).
    telegram
        They sign in through the configured Telegram bot as this user (a number).
    """
    if (oidc_issuer is None) != (oidc_subject is None):
        raise FieldInvalid("an issuer and a subject go together: --oidc-issuer URL --oidc-subject SUB", field="oidc")
    async with session.rails() as rails:
        elsewhere = oidc_issuer is not None or telegram is not None
        new = NewOperator(
            name=name,
            roles=frozenset(role),
            password=None if elsewhere else await prompts.new_password(),
            oidc=(oidc_issuer, oidc_subject) if oidc_issuer is not None and oidc_subject is not None else None,
            telegram_id=telegram,
        )
        made = await operators.add(rails.core.database, rails.core.vault, new, actor=rails.actor)
    _show(session, made, f"{name} is added as {', '.join(sorted(role))}")


@app.command(name="list")
@needs(Scope.AUDIT)
async def list_operators(*, session: Here) -> None:
    """Show everybody."""
    async with session.rails() as rails:
        found = await operators.list_operators(rails.core.database)
    rows = []
    for one in found:
        ways = ["password and code"] if one.has_password else []
        ways += [f"{one.oidc_subject} at {one.oidc_issuer}"] if one.oidc_issuer else []
        ways += [f"Telegram user {one.telegram_id}"] if one.telegram_id else []
        roles = ", ".join(sorted(one.roles))
        history = (one.created_by, one.created_at, one.seen_at, one.disabled_at)
        rows.append((one.name, roles, ", ".join(ways), one.id, *history))
    session.output.show(found, table("Operators", _COLUMNS, rows))


@app.command
@needs(Scope.PEOPLE)
async def disable(name: str, *, session: Here) -> None:
    """Keep a person out from now on, end their sessions, revoke the keys they made. `reset` lets them in again, no key.

    Parameters
    ----------
    name
        Whom.
    """
    async with session.rails() as rails:
        out = await operators.disable(rails.core.database, name, actor=rails.actor)
    words = [f"{name} is out, and every session of theirs is over"]
    if out.keys:
        words.append(f"revoked with them, as they made them: {', '.join(f'key {key}' for key in out.keys)}")
    session.output.show({"id": out.operator_id, "disabled": True, "keys_revoked": out.keys}, *words)


@app.command
@needs(Scope.PEOPLE)
async def roles(name: str, *, role: Roles, session: Here) -> None:
    """Make a person this and nothing else; it counts at once. Nobody changes their own roles.

    Parameters
    ----------
    name
        Whom.
    role
        What they are from now on; repeat it for more.
    """
    async with session.rails() as rails:
        who = await operators.set_roles(rails.core.database, name, frozenset(role), actor=rails.actor)
    session.output.show({"id": who, "roles": sorted(role)}, f"{name} is now {', '.join(sorted(role))}")


@app.command
@needs(Scope.PEOPLE)
async def reset(name: str, *, session: Here) -> None:
    """Give a person a new password and authenticator and end their sessions, as after a lost telephone.

    Parameters
    ----------
    name
        Whom.
    """
    async with session.rails() as rails:
        password = await prompts.new_password()
        made = await operators.reset(rails.core.database, rails.core.vault, name, password, actor=rails.actor)
    _show(session, made, f"{name} has a new password; every session of theirs is over")


def _show(session: Here, made: Enrolment, words: str) -> None:
    uri = made.uri.reveal() if made.uri else None
    enrol = (f"for their authenticator, shown only now: {uri}",) if uri else ()
    session.output.show({"id": made.operator_id, "totp": uri}, words, *enrol)
