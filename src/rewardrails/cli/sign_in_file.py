"""Where a sign-in is kept between commands: a file of the user's own, one for each installation."""

import os
from pathlib import Path

from rewardrails.errors import Unauthorized
from rewardrails.secrets import Secret

MAX_BYTES = 1024


def path_of(installation: str) -> Path:
    """The file for an installation, in the user's own configuration folder."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "rewardrails" / f"session-{installation}"


def read(installation: str) -> Secret | None:
    """The session's token, if one is kept. Raises `Unauthorized` for a file that others may read."""
    path = path_of(installation)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(handle, encoding="ascii", errors="replace") as file:
        if os.fstat(handle).st_mode & 0o077:
            raise Unauthorized(f"{path} can be read by others: remove it and sign in again")
        return Secret(file.read(MAX_BYTES).strip())


def write(installation: str, token: Secret) -> Path:
    """Keep a token where only its owner can read it, whole or not at all; answers the file."""
    path = path_of(installation)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(token.reveal() + "\n")
    draft.replace(path)
    return path


def forget(installation: str) -> None:
    """Keep nothing any more."""
    path_of(installation).unlink(missing_ok=True)
