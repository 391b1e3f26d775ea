"""Operators for tests: added as an admin would, signed in as people do, with codes of an authenticator of their own."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pyotp

from rewardrails.config import SignInSettings
from rewardrails.engine.core import Core
from rewardrails.secrets import Secret
from rewardrails.security import operators
from rewardrails.security.operators import NewOperator
from rewardrails.security.roles import Role
from rewardrails.security.sessions import Method, open_within
from rewardrails.store.sql import sql

PASSWORD = "correct horse battery"


@dataclass
class Person:
    """An operator and what only they know."""

    name: str
    id: str
    totp: pyotp.TOTP

    @property
    def actor(self) -> str:
        return f"operator:{self.id}"

    def code(self, offset: int = 0) -> str:
        """The code of now, or of so many steps away."""
        return self.totp.at(pyotp_now(), offset)

    def proof(self, offset: int = 0) -> dict[str, str]:
        return {"name": self.name, "password": PASSWORD, "totp": self.code(offset)}


def pyotp_now():
    from rewardrails import clock  # noqa: PLC0415 - the clock that the engine lives by

    return clock.now()


async def person(core: Core, *roles: Role, name: str = "ann") -> Person:
    """Somebody new; where nobody is yet, after a first admin who does nothing."""
    if Role.ADMIN not in roles and not await operators.any_operator(core.database):
        await person(core, Role.ADMIN, name="first admin")
    new = NewOperator(name=name, roles=frozenset(roles), password=Secret(PASSWORD))
    made = await operators.add(core.database, core.vault, new, actor="test")
    return Person(name=name, id=str(made.operator_id), totp=authenticator(made.uri.reveal()))


def authenticator(uri: str) -> pyotp.TOTP:
    """What an authenticator makes of an otpauth:// address."""
    assert re.match(r"otpauth://totp/RewardRails:", uri)
    return pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])


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
