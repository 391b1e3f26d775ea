"""Secrets by reference: "env:NAME" is a variable of the environment, "file:PATH" a file; nothing else is a secret."""

import re
from collections.abc import Mapping
from pathlib import Path

from rewardrails.secrets import Secret

_REFERENCE = re.compile(r"(env|file):(.+)", re.DOTALL)


class ReferenceInvalid(ValueError):
    """The reference leads to no secret; the text says why and never shows what was written in its place."""


def check_form(reference: str) -> None:
    """Raises `ReferenceInvalid` unless this is a reference, whether or not it leads anywhere."""
    _parts(reference)


def resolve(reference: str, env: Mapping[str, str], folder: Path) -> Secret:
    """The secret, outer white space aside; relative paths begin in `folder`. Raises `ReferenceInvalid`, also when empty."""
    kind, name = _parts(reference)
    return _from_env(name, env) if kind == "env" else _from_file(name, folder)


def _parts(reference: str) -> tuple[str, str]:
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise ReferenceInvalid('a secret does not stand in this file: write where it is, "env:NAME" or "file:PATH"')
    return found[1], found[2]


def _from_env(name: str, env: Mapping[str, str]) -> Secret:
    value = env.get(name, "").strip()
    if not value:
        raise ReferenceInvalid(f"the environment variable {name} is not set or empty")
    return Secret(value)


def _from_file(name: str, folder: Path) -> Secret:
    path = folder / Path(name).expanduser()
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError, RuntimeError) as error:  # unreadable; not UTF-8 or no path at all; no such user's home
        why = (isinstance(error, OSError) and error.strerror) or type(error).__name__
        raise ReferenceInvalid(f"the file {name} cannot be read ({why})") from error
    if not value:
        raise ReferenceInvalid(f"the file {name} is empty")
    return Secret(value)
