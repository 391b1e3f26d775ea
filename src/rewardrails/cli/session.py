"""What the global options come to: where the configuration is, who acts, how answers look."""

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from rewardrails.bootstrap import WORKING_FOLDER, opened
from rewardrails.cli.output import Output
from rewardrails.config import Config
from rewardrails.engine.core import Core
from rewardrails.engine.refusals import Attempted, Refusals
from rewardrails.errors import RewardRailsError, Unauthorized
from rewardrails.facade import RewardRails, read_config
from rewardrails.secrets import Secret
from rewardrails.security import keys
from rewardrails.security.keys import ApiKey, Scope
from rewardrails.store import origin

CONNECTIONS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Which command was called, on which thing (None: on none, or many)."""

    action: str = "unknown"
    object: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of the command line."""

    output: Output
    config_path: Path | None = None
    folder: Path = WORKING_FOLDER
    key: Secret | None = None
    call: Call = field(default_factory=Call)

    def config(self) -> Config:
        """The configuration. Raises `ConfigInvalid`."""
        return read_config(self.config_path)

    @asynccontextmanager
    async def rails(self, scope: Scope, *, needs_key: bool = False) -> AsyncIterator[RewardRails]:
        """The engine, acting as whoever gave a key (which must have `scope`), else as this operating-system user.

        Raises `Unauthorized` without a key where one is needed, `Forbidden` when it lacks the scope.
        """
        if needs_key and self.key is None:
            raise Unauthorized(
                "this needs to know who you are: give your own API key with --as or REWARDRAILS_API_KEY "
                f"('rewardrails keys create NAME --scope {scope.value}' makes one for each person)"
            )
        with origin.coming_from(origin.CLI):
            async with opened(self.config(), folder=self.folder, process="cli", connections=CONNECTIONS) as core:
                key = await self._known(core)
                actor = key.actor if key else f"cli:{_user()}"
                try:
                    if key is not None:
                        key.require(scope)
                    yield RewardRails(core, actor=actor)
                except RewardRailsError as error:
                    if scope is not Scope.READ:
                        attempted = Attempted(actor=actor, action=self.call.action, object=self.call.object)
                        await Refusals(core).tell(attempted, error)
                    raise

    async def _known(self, core: Core) -> ApiKey | None:
        return await keys.authenticate(core.database, core.vault, self.key.reveal()) if self.key else None


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


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this uid, as in some containers
        return "unknown"
