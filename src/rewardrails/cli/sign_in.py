"""`rewardrails sign-in`, `sign-out`, `whoami`: from here on commands run under a person's own name."""

from rewardrails.cli import prompts, sign_in_file
from rewardrails.cli.needs import needs_nobody
from rewardrails.cli.session import Here
from rewardrails.errors import Unauthorized
from rewardrails.security import sessions
from rewardrails.security.scopes import with_implied
from rewardrails.security.sign_in import SignIn


@needs_nobody("proves who you are")
async def sign_in(name: str, *, session: Here) -> None:
    """Sign in for this and the following commands; password and code are asked for, or read from standard input.

    Parameters
    ----------
    name
        The operator's name.
    """
    password = await prompts.hidden("password")
    code = await prompts.hidden("code")
    async with session.core() as core:
        ways = SignIn(core.database, core.vault, core.config.sign_in)
        opened = await ways.with_password(name=name, password=password, code=code.reveal().strip(), address=None)
        path = sign_in_file.write(core.installation, opened.token)
    session.output.show(
        {"operator": opened.operator_id, "name": opened.name, "expires_at": opened.expires_at, "file": str(path)},
        f"signed in as {opened.name} until {opened.expires_at:%Y-%m-%d %H:%M}Z at most; 'rewardrails sign-out' ends it",
    )


@needs_nobody("ends what is yours")
async def sign_out(*, session: Here) -> None:
    """End the session of this user on this machine, at once and everywhere."""
    async with session.core() as core:
        kept = sign_in_file.read(core.installation)
        if kept is not None:
            try:
                caller = await sessions.authenticate(core.database, core.vault, kept.reveal())
            except Unauthorized:  # it is over already
                pass
            else:
                await sessions.sign_out(core.database, caller)
        sign_in_file.forget(core.installation)
    session.output.show({"signed_out": kept is not None}, "signed out" if kept else "nobody was signed in")


@needs_nobody("tells you who you are")
async def whoami(*, session: Here) -> None:
    """Say as whom commands run here, and what that allows."""
    async with session.core() as core:
        caller = await session.caller(core)
    if caller is None:
        session.output.show({"actor": None}, "nobody is signed in: rewardrails sign-in NAME")
        return
    scopes = sorted(with_implied(caller.scopes))
    session.output.show(
        {"actor": caller.actor, "name": caller.name, "roles": sorted(caller.roles), "scopes": scopes},
        f"{caller.name} ({caller.actor}); {', '.join(sorted(caller.roles)) or 'a key'}",
        f"may: {', '.join(scopes)}",
    )
