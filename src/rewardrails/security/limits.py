"""How often somebody may try to sign in: counted per address and per name, in PostgreSQL, where all processes see it."""

from enum import StrEnum
from math import ceil

from rewardrails.config import SignInSettings
from rewardrails.errors import RateLimited
from rewardrails.security.vault import Vault
from rewardrails.store.database import Database, one
from rewardrails.store.sql import sql

SLOTS = 65_536
"""Rows per kind at most. Two that share a slot share its tries; which ones they are cannot be known from outside."""


class Counted(StrEnum):
    """Whose tries are added up."""

    ADDRESS = "address"
    NAME = "name"


class SignInLimits:
    """Counts a try before it is judged, so that tries at the same time are counted too."""

    def __init__(self, database: Database, vault: Vault, settings: SignInSettings) -> None:
        self._database = database
        self._vault = vault
        self._window_seconds = settings.window.total_seconds()
        self._most = {Counted.ADDRESS: settings.tries_per_address, Counted.NAME: settings.tries_per_name}

    async def count(self, *, address: str | None, name: str | None) -> None:
        """Count one try. Raises `RateLimited` once there were too many in the window."""
        for kind, subject in ((Counted.ADDRESS, address), (Counted.NAME, name)):
            if subject is not None:
                await self._count(kind, subject)

    async def forgive(self, name: str) -> None:
        """Forget the tries at a name whose owner has come in."""
        async with self._database.transaction() as tx:
            await tx.execute(sql("forget_sign_in_tries"), Counted.NAME, self._slot(Counted.NAME, name))

    async def _count(self, kind: Counted, subject: str) -> None:
        async with self._database.transaction() as tx:
            row = one(
                await tx.fetchrow(sql("count_sign_in_try"), kind.value, self._slot(kind, subject), self._window_seconds)
            )
        if row["tries"] > self._most[kind]:
            wait = max(1, ceil(row["seconds_left"]))
            raise RateLimited(f"too many tries: wait {wait} s", retry_after_seconds=wait)

    def _slot(self, kind: Counted, subject: str) -> int:
        digest = self._vault.digest(f"sign-in/{kind}/{subject.strip().lower()}".encode("utf-8", "surrogatepass"))
        return int.from_bytes(digest[:2])
