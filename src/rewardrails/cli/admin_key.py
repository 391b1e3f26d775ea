"""The very first API key: made once, kept in a file that only its owner can read."""

import os
from pathlib import Path

from rewardrails.engine.core import Core
from rewardrails.security import keys, operators
from rewardrails.security.keys import Scope

FILE_NAME = "admin.key"


async def ensure_admin_key(core: Core, folder: Path) -> Path | None:
    """Make an admin key if there is neither a key nor an operator; answers the file it was put in, or None when there was."""
    if await keys.list_keys(core.database) or await operators.any_operator(core.database):
        return None
    path = folder / FILE_NAME
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # noqa: ASYNC240 - once, at the start
    # The file first, and only its owner's: whoever cannot keep a key must not make one. One left by an earlier
    # database is of no use to anybody.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o600)
        _, token = await keys.create_key(
            core.database, core.vault, name="admin", scopes=frozenset({Scope.ADMIN}), actor=core.actor
        )
        file.write(token.reveal() + "\n")
    return path
