"""Operators for tests: added as an admin would, signed in as people do, with codes of an authenticator of their own."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from rewardrails import clock
from rewardrails.config import SignInSettings
from rewardrails.engine.core import Core
from rewardrails.secrets import Secret
from rewardrails.security import operators
from rewardrails.security.operators import NewOperator
from rewardrails.security.roles import Role
from rewardrails.security.sessions import Method, open_within
from rewardrails.store.sql import sql

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Authenticator:
    """RFC 6238 as it stands there, apart from the library that the engine uses."""

    secret: str

    def code(self, steps_away: int = 0) -> str:
        """The code of now, or of so many steps away."""
        step = int(clock.now().timestamp()) // 30 + steps_away
        key = base64.b32decode(self.secret + "=" * (-len(self.secret) % 8))
        digest = hmac.digest(key, step.to_bytes(8), hashlib.sha1)
        at = digest[-1] & 15
        return f"{(int.from_bytes(digest[at : at + 4]) & 0x7FFFFFFF) % 10**6:06}"


@dataclass(frozen=True)
class Person:
    """An operator and what only they know."""

    name: str
    id: str
    authenticator: Authenticator

    @property
    def actor(self) -> str:
        return f"operator:{self.id}"

    def code(self, steps_away: int = 0) -> str:
        return self.authenticator.code(steps_away)

    def proof(self, steps_away: int = 0) -> dict[str, str]:
        return {"name": self.name, "password": PASSWORD, "totp": self.code(steps_away)}


class EarlyInItsStep:
    """The machine's clock, moved so that a code's 30 seconds have just begun: a test's code stays the code of now."""

    def __init__(self) -> None:
        self._ahead = timedelta(seconds=2 - datetime.now(UTC).timestamp() % 30)
        self._system = clock.SystemClock()
        self.monotonic = self._system.monotonic
        self.sleep = self._system.sleep

    def now(self) -> datetime:
        return self._system.now() + self._ahead


async def person(core: Core, *roles: Role, name: str = "ann") -> Person:
    """Somebody new; where nobody is yet, after a first admin who does nothing."""
    if Role.ADMIN not in roles and not await operators.any_operator(core.database):
        await person(core, Role.ADMIN, name="first admin")
    new = NewOperator(name=name, roles=frozenset(roles), password=Secret(PASSWORD))
    made = await operators.add(core.database, core.vault, new, actor="test")
    return Person(name=name, id=str(made.operator_id), authenticator=authenticator(made.uri.reveal()))


def authenticator(uri: str) -> Authenticator:
    """What an authenticator makes of an otpauth:// address."""
    assert re.match(r"otpauth://totp/RewardRails:", uri)
    return Authenticator(parse_qs(urlsplit(uri).query)["secret"][0])


async def session_of(core: Core, who: Person, settings: SignInSettings | None = None) -> str:
    """A session's token, without the trouble of signing in."""
    async with core.database.transaction() as tx:
        row = await tx.fetchrow(sql("lock_operator"), who.name)
        opened = await open_within(tx, core.vault, settings or core.config.sign_in, row, Method.PASSWORD)
    return opened.token.reveal()


async def sessions_by_role(core: Core, roles: Iterable[Role] = Role) -> dict[Role, str]:
    """One person for each role, signed in."""
    return {
        role: await session_of(core, await person(core, role, name=f"the {role}"))
        for role in sorted(roles, key=lambda role: role is not Role.ADMIN)
    }
