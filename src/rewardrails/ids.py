"""The one source of ids and randomness, so that a simulation can own it."""

import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from uuid_utils.compat import uuid7


class IdSource(Protocol):
    """Where ids and randomness come from."""

    def new_id(self) -> UUID:
        """A UUIDv7, larger than every earlier one of this source."""

    def random_fraction(self) -> float:
        """A number from 0 up to, not including, 1."""

    def new_token(self, nbytes: int) -> str:
        """`nbytes` unguessable bytes as URL-safe text."""


class SystemIds:
    """Ids by the system's clock, tokens by the system's entropy."""

    def new_id(self) -> UUID:
        """A UUIDv7, larger than every earlier one of this source."""
        return uuid7()

    def random_fraction(self) -> float:
        """A number from 0 up to, not including, 1."""
        return random.random()

    def new_token(self, nbytes: int) -> str:
        """`nbytes` unguessable bytes as URL-safe text."""
        return secrets.token_urlsafe(nbytes)


_source: IdSource = SystemIds()


def new_id() -> UUID:
    """A new UUIDv7, larger than every earlier one of this process."""
    return _source.new_id()


def random_fraction() -> float:
    """A number from 0 up to, not including, 1; for jitter, never for secrets."""
    return _source.random_fraction()


def random_bytes(nbytes: int) -> bytes:
    """`nbytes` unguessable bytes for keys and salts; always the system's, whatever source is used."""
    return secrets.token_bytes(nbytes)


def new_token(nbytes: int = 32) -> str:
    """An unguessable URL-safe text of `nbytes` random bytes."""
    return _source.new_token(nbytes)


@contextmanager
def use(source: IdSource) -> Iterator[None]:
    """Have this process draw from `source` inside the `with` block; for tests and simulations."""
    global _source  # noqa: PLW0603 - one source per process is the point of this module
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
