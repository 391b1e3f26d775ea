"""What the global options come to: where the configuration is, who acts, how answers look."""

import os
import pwd
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from rewardrails.bootstrap import WORKING_FOLDER, opened
from rewardrails.cli import sign_in_file
from rewardrails.cli.needs import Needs
from rewardrails.cli.output import Output, call_by_name
from rewardrails.config import Config
from rewardrails.engine.core import Core
from rewardrails.engine.refusals import Attempted, Refusals
from rewardrails.errors import ConfigInvalid, FieldInvalid, RewardRailsError, Unauthorized
from rewardrails.facade import RewardRails, read_config
from rewardrails.secrets import Secret
from rewardrails.security import keys, operators, sessions
from rewardrails.security.caller import Caller
from rewardrails.security.persons import names_of_actors
from rewardrails.security.scopes import Scope
from rewardrails.store import origin

CONNECTIONS = 4
CONFIGURATION = Path("rewardrails.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Which command was called, on which thing (None: on none, or many)."""

    action: str = "unknown"
    object: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of the command line. `key` is the API key that was given, `token` the sign-in of the environment."""

    output: Output
    needs: Needs
    config_path: Path | None = None
    folder: Path = WORKING_FOLDER
    key: Secret | None = field(default=None, repr=False)
    token: Secret | None = field(default=None, repr=False)
    call: Call = field(default_factory=Call)

    def config(self) -> Config:
        """The configuration. Raises `ConfigInvalid`."""
        return read_config(self.config_path)

    def _is_installed(self) -> bool:
        """Whether somebody began an installation here; looking at one must not make it."""
        return self.config_path is not None or CONFIGURATION.exists() or self.folder.exists()

    @asynccontextmanager
    async def core(self) -> AsyncIterator[Core]:
        """The engine, on nobody's behalf."""
        config = self.config()
        if config.database.url is None and not self._is_installed():
            raise ConfigInvalid(
                f"there is neither {CONFIGURATION} nor {self.folder} here: go to the folder of your installation, or name its "
                "configuration with --config; 'rewardrails init' and 'rewardrails serve' begin a new one"
            )
        async with opened(config, folder=self.folder, process="cli", connections=CONNECTIONS) as core:
            yield core

    @asynccontextmanager
    async def rails(self) -> AsyncIterator[RewardRails]:
        """The engine, acting as whoever is signed in or gave a key and may use this verb, else as this system user.

        Raises `Unauthorized` where the verb needs to know a person and knows none, `Forbidden` when they may not.
        """
        async with self.core() as core:
            caller = await self.caller(core)
            actor = caller.actor if caller else f"cli:{_user()}"
            with origin.coming_from(origin.CLI):
                try:
                    await self.require(core, caller)
                    if not self.output.machine:
                        async with core.database.reading() as connection:
                            call_by_name(await names_of_actors(connection))
                    yield RewardRails(core, actor=actor, authenticated_at=caller.authenticated_at if caller else None)
                except RewardRailsError as error:
                    if self.needs.scope is not Scope.READ:
                        attempted = Attempted(actor=actor, action=self.call.action, object=self.call.object)
                        await Refusals(core).tell(attempted, error)
                    raise

    async def require(self, core: Core, caller: Caller | None) -> None:
        """Raise unless this caller may use the verb; None is the system user, who may before there are operators."""
        scope = self.needs.scope
        if scope is None:
            raise AssertionError("a verb that acts on nobody's behalf asks for no rights")
        if caller is not None:
            caller.require(scope)
        elif self.needs.by_name or (self.needs.signed_in and await operators.any_operator(core.database)):
            raise Unauthorized(
                f"this needs to know who you are, with the scope {scope.value!r}: 'rewardrails sign-in NAME', or give your own "
                "API key with --as or REWARDRAILS_API_KEY ('rewardrails keys create NAME --scope ...' makes one)"
            )

    async def may(self, core: Core, scope: Scope) -> bool:
        """Whether whoever acts may also do this; a system user may before there are operators."""
        caller = await self.caller(core)
        return caller.may(scope) if caller is not None else not await operators.any_operator(core.database)

    async def sees_words(self, core: Core) -> bool:
        """Whether what people wrote is shown to whoever acts."""
        return await self.may(core, Scope.REVEAL) or await self.may(core, Scope.RESOLVE)

    async def caller(self, core: Core) -> Caller | None:
        """Whoever is signed in here or gave a key. Raises `Unauthorized`, `FieldInvalid` for two at once."""
        signed_in = await self._signed_in(core)
        if self.key is None:
            return signed_in
        if signed_in is not None:
            raise FieldInvalid(
                f"you are signed in as {signed_in.name!r}, and one person does not act as two: sign out, or give no key",
                field="--as",
            )
        return await _known(core, self.key)

    async def _signed_in(self, core: Core) -> Caller | None:
        if self.token is not None:
            return await _person(core, self.token)
        kept = sign_in_file.read(core.installation)
        if kept is None:
            return None
        try:
            return await _person(core, kept)
        except Unauthorized:  # it is over; whoever needs more is told to sign in
            return None


Here = Annotated[Session, Parameter(parse=False)]
"""A command's parameter that the program fills in, not the user."""


def read_key(text: str | None) -> Secret | None:
    """The operator's key: itself, or `file:PATH`. Raises `Unauthorized` when the file cannot be read."""
    if not text:
        return None
    if not text.startswith("file:"):
        return Secret(text.strip())
    try:
        return Secret(Path(text.removeprefix("file:")).expanduser().read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise Unauthorized(
            f"the key file {text.removeprefix('file:')} cannot be read: {type(error).__name__}"
        ) from error


async def _known(core: Core, token: Secret) -> Caller:
    if token.reveal().startswith(sessions.PREFIX):
        return await sessions.authenticate(core.database, core.vault, token.reveal())
    return await keys.authenticate(core.database, core.vault, token.reveal())


async def _person(core: Core, token: Secret) -> Caller:
    """A sign-in proves a person; a key does not, wherever it is put."""
    if not token.reveal().startswith(sessions.PREFIX):
        raise Unauthorized(
            "a sign-in's token (rs_...) belongs here, not an API key: 'rewardrails sign-in NAME' makes one, keys go in "
            "REWARDRAILS_API_KEY or --as"
        )
    return await sessions.authenticate(core.database, core.vault, token.reveal())


def _user() -> str:
    """The system's name for whoever runs this; what the environment says of it anybody can write."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # no name for this uid, as in some containers
        return f"uid-{os.getuid()}"
