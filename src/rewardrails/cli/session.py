"""What the global options come to: where the configuration is, who acts, how answers look."""

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from rewardrails.bootstrap import WORKING_FOLDER, opened
from rewardrails.cli.output import Output
from rewardrails.config import Config
from rewardrails.engine.core import Core
from rewardrails.errors import Unauthorized
from rewardrails.facade import RewardRails, read_config
from rewardrails.secrets import Secret
from rewardrails.security import keys
from rewardrails.security.keys import Scope

CONNECTIONS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of the command line."""

    output: Output
    config_path: Path | None = None
    folder: Path = WORKING_FOLDER
    key: Secret | None = None

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
        async with opened(self.config(), folder=self.folder, process="cli", connections=CONNECTIONS) as core:
            yield RewardRails(core, actor=await self._actor(core, scope))

    async def _actor(self, core: Core, scope: Scope) -> str:
        if self.key is None:
            return f"cli:{_user()}"
        key = await keys.authenticate(core.database, core.vault, self.key.reveal())
        key.require(scope)
        return key.actor


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
