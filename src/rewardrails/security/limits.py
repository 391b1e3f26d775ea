"""How often somebody may try to sign in: counted by address and name, in PostgreSQL, where all processes see it."""

from collections.abc import Sequence
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from uuid import UUID

from rewardrails.config import SignInSettings
from rewardrails.errors import RateLimited
from rewardrails.security.vault import Vault
from rewardrails.store.database import Database, one
from rewardrails.store.sql import sql

SLOTS = 65_536
"""Rows per kind at most. Two that share a slot share its tries; which ones they are cannot be known from outside."""


ADDRESSES_PER_NAME = 10
"""How many addresses' worth of tries a name bears: one stranger keeps its owner out of nowhere but where they sit themselves."""
_IPV6_SUBSCRIBER_BITS = 64


class Counted(StrEnum):
    """Whose tries are added up."""

    ADDRESS = "address"
    NAME = "name"
    NAME_FROM = "name_from"
    STEP_UP = "step_up"


class SignInLimits:
    """Counts a try before it is judged, so that tries at the same time are counted too."""

    def __init__(self, database: Database, vault: Vault, settings: SignInSettings) -> None:
        self._database = database
        self._vault = vault
        self._window_seconds = settings.window.total_seconds()
        self._most = {
            Counted.ADDRESS: settings.tries_per_address,
            Counted.NAME: settings.tries_per_name * ADDRESSES_PER_NAME,
            Counted.NAME_FROM: settings.tries_per_name,
            Counted.STEP_UP: settings.tries_per_name,
        }

    async def count(self, *, address: str | None, name: str | None = None) -> None:
        """Count one try from an address, at a name as the database spells it. Raises `RateLimited` after too many."""
        if address is not None:
            await self._count(Counted.ADDRESS, _network(address))
        for kind, subject in _at_name(name, address) if name is not None else ():
            await self._count(kind, subject)

    async def count_step_up(self, operator: UUID, *, address: str | None) -> None:
        """Count one try of somebody signed in; nobody else's tries count against theirs. Raises `RateLimited`."""
        if address is not None:
            await self._count(Counted.ADDRESS, _network(address))
        await self._count(Counted.STEP_UP, str(operator))

    async def forgive(self, name: str, *, address: str | None) -> None:
        """Forget the tries at a name whose owner has come in."""
        await self._forget(_at_name(name, address))

    async def forgive_step_up(self, operator: UUID) -> None:
        """Forget the tries of somebody who has proved who they are."""
        await self._forget([(Counted.STEP_UP, str(operator))])

    async def _forget(self, counted: Sequence[tuple[Counted, str]]) -> None:
        kinds, slots = [kind.value for kind, _ in counted], [self._slot(*one) for one in counted]
        async with self._database.transaction() as tx:
            await tx.execute(sql("forget_sign_in_tries"), kinds, slots)

    async def _count(self, kind: Counted, subject: str) -> None:
        async with self._database.transaction() as tx:
            row = one(
                await tx.fetchrow(sql("count_sign_in_try"), kind.value, self._slot(kind, subject), self._window_seconds)
            )
        if row["tries"] > self._most[kind]:
            wait = max(1, ceil(row["seconds_left"]))
            raise RateLimited(f"too many tries: wait {wait} s", retry_after_seconds=wait)

    def _slot(self, kind: Counted, subject: str) -> int:
        digest = self._vault.digest(f"sign-in/{kind}/{subject}".encode("utf-8", "surrogatepass"))
        return int.from_bytes(digest[:2])


def _at_name(name: str, address: str | None) -> list[tuple[Counted, str]]:
    """The narrow count first: tries that it refuses do not use up the wide one."""
    place = _network(address) if address is not None else ""
    return [(Counted.NAME_FROM, f"{place}/{name}"), (Counted.NAME, name)]


def _network(address: str) -> str:
    """What one subscriber has: an IPv4 address, or all 2^64 addresses of an IPv6 network."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), _IPV6_SUBSCRIBER_BITS), strict=False))
