"""Asking for what no argument may hold: arguments stand in the list of processes."""

import asyncio
import getpass
import sys

from rewardrails.errors import FieldInvalid
from rewardrails.secrets import Secret


async def hidden(label: str) -> Secret:
    """What a person types unseen; without a terminal, the next line of standard input. Raises `FieldInvalid` for nothing."""
    text = await asyncio.to_thread(_read, f"{label}: ")
    if not text:
        raise FieldInvalid(f"{label}: type it, or send it as a line of standard input", field=label)
    return Secret(text)


async def new_password() -> Secret:
    """A new password, typed twice at a terminal."""
    password = await hidden("password")
    if sys.stdin.isatty() and not password.matches((await hidden("the same again")).reveal()):
        raise FieldInvalid("the two differ: nothing was changed", field="password")
    return password


def _read(label: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(label)
    return sys.stdin.readline().rstrip("\r\n")
