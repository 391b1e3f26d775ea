"""`rewardrails operators`: people, what they are, and how they sign in."""

from typing import Annotated, assert_never

from cyclopts import App, Parameter

from rewardrails.cli import prompts
from rewardrails.cli.needs import needs
from rewardrails.cli.output import table
from rewardrails.cli.session import Here
from rewardrails.errors import FieldInvalid
from rewardrails.security import operators, proposals
from rewardrails.security.operators import Enrolment
from rewardrails.security.proposals import Change, ChangeKind
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
    oidc = (oidc_issuer, oidc_subject) if oidc_issuer is not None and oidc_subject is not None else None
    change = Change(kind=ChangeKind.ADD, name=name, roles=frozenset(role), oidc=oidc, telegram_id=telegram)
    await _change(session, change)


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
    await _change(session, Change(kind=ChangeKind.ROLES, name=name, roles=frozenset(role)))


@app.command
@needs(Scope.PEOPLE)
async def reset(name: str, *, session: Here) -> None:
    """Give a person a new password and authenticator and end their sessions, as after a lost telephone.

    Parameters
    ----------
    name
        Whom.
    """
    await _change(session, Change(kind=ChangeKind.RESET, name=name))


@app.command
@needs(Scope.PEOPLE, by_name=True)
async def confirm(name: str, *, session: Here) -> None:
    """Do with a person what another admin proposed. Where it takes a password, you are asked for it and hand it over.

    Parameters
    ----------
    name
        Whom it is about.
    """
    async with session.rails() as rails:
        core = rails.core
        waiting = await proposals.read(core.database, name)
        await proposals.require_other(core.database, waiting, rails.actor)
        password = await prompts.new_password() if waiting.change.takes_password else None
        made = await proposals.confirm(core.database, core.vault, waiting, password, actor=rails.actor)
    _show(session, made, waiting.change)


async def _change(session: Here, change: Change) -> None:
    """Do it, or propose it where it takes a second admin."""
    async with session.rails() as rails:
        core = rails.core
        if await proposals.needs_second(core.database, change):
            waiting = await proposals.propose(core.database, change, actor=rails.actor)
            words = f"proposed: {_words(change)}. It is done when another admin runs: rewardrails operators confirm {change.name}"
            session.output.show({"proposal": waiting, "change": change.kind, "roles": sorted(change.roles)}, words)
            return
        password = await prompts.new_password() if change.takes_password else None
        made = await proposals.apply(core.database, core.vault, change, password, actor=rails.actor)
    _show(session, made, change)


def _words(change: Change) -> str:
    roles = ", ".join(sorted(change.roles))
    match change.kind:
        case ChangeKind.ADD:
            return f"{change.name} is added as {roles}"
        case ChangeKind.ROLES:
            return f"{change.name} is now {roles}"
        case ChangeKind.RESET:
            return f"{change.name} has a new password; every session of theirs is over"
        case _:
            assert_never(change.kind)


def _show(session: Here, made: Enrolment, change: Change) -> None:
    uri = made.uri.reveal() if made.uri else None
    enrol = (f"for their authenticator, shown only now: {uri}",) if uri else ()
    answer = {"id": made.operator_id, "totp": uri, "roles": sorted(change.roles)}
    session.output.show(answer, _words(change), *enrol)
