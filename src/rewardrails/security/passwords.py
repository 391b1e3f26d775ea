"""Local passwords: Argon2id with the library's defaults, away from the event loop, at most two at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rewardrails import ids
from rewardrails.errors import FieldInvalid
from rewardrails.secrets import Secret

MIN_LENGTH = 12
MAX_LENGTH = 256
AT_ONCE = 2
"""Each takes 64 MiB and a core for some 50 ms; whoever floods the door waits in line."""
_hasher = PasswordHasher()


async def hashed(password: Secret) -> str:
    """The hash to store. Raises `FieldInvalid` for a password that is too short or too long."""
    if not MIN_LENGTH <= len(password.reveal()) <= MAX_LENGTH:
        raise FieldInvalid(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters", field="password")
    return await asyncio.get_running_loop().run_in_executor(_threads(), _hasher.hash, password.reveal())


async def verify(stored: str | None, password: Secret) -> bool:
    """Whether the password belongs to the hash; None takes as long as any other and is never right."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), _verify, stored, password.reveal())


def _verify(stored: str | None, password: str) -> bool:
    try:
        _hasher.verify(stored or _of_nobody(), password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
    return stored is not None


@cache
def _of_nobody() -> str:
    """A hash that nobody knows the password of."""
    return _hasher.hash(ids.new_token())


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, "password")
