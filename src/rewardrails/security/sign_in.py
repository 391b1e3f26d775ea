"""Signing in: count the try, look at the proof, open a session; whatever is wrong, the answer is the same."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import NoReturn
from uuid import UUID, uuid5

import asyncpg

from rewardrails import clock
from rewardrails.config import SignInSettings
from rewardrails.errors import Forbidden, NotFound, Unauthorized
from rewardrails.secrets import Secret
from rewardrails.security import one_time_codes, operators, passwords, sessions, telegram
from rewardrails.security.caller import Caller
from rewardrails.security.limits import SignInLimits
from rewardrails.security.sessions import Method, OpenedSession
from rewardrails.security.vault import Vault
from rewardrails.store import origin
from rewardrails.store.database import Connection, Database, one
from rewardrails.store.sql import sql

MAX_PROOF_LENGTH = 1024
REFUSALS_PER_MINUTE = 20
"""How many refused tries at one person, and how many at nobody, are told in one minute; the last says that there are more."""
_TRIES = 3
_REFUSED_IN = UUID("0f0b6c53-5b1e-5a3e-9c55-0a4f2f6e7a21")
_WRONG = "this sign-in is not right: check name, password and code; a code works once"
Found = Callable[[Connection], Awaitable[asyncpg.Record | None]]


@dataclass(frozen=True, slots=True)
class SignIn:
    """The ways in, on one database."""

    database: Database
    vault: Vault
    settings: SignInSettings

    @property
    def limits(self) -> SignInLimits:
        """How often one may try."""
        return SignInLimits(self.database, self.vault, self.settings)

    async def with_password(self, *, name: str, password: Secret, code: str, address: str | None) -> OpenedSession:
        """Open a session for a name, its password and a code that was not used yet. Raises `Unauthorized`, `RateLimited`."""
        spelt, operator = await self._meant(name.strip())
        await self.limits.count(address=address, name=spelt)
        if not await self._proves(operator, password, code):
            await self._refuse(Method.PASSWORD, operator)
        session = await self.open(Method.PASSWORD, lambda _: _known(operator))
        await self.limits.forgive(spelt, address=address)
        return session

    async def with_telegram(self, init_data: str, *, address: str | None) -> OpenedSession:
        """Open a session for whom a Telegram Mini App names. Raises `Unauthorized`, `RateLimited`, `NotFound` if it is off."""
        if self.settings.telegram is None:
            raise NotFound("signing in through Telegram is not configured: [sign_in.telegram]")
        await self.limits.count(address=address)
        try:
            said = telegram.verify(init_data, self.settings.telegram)
        except telegram.InitDataRefused:
            await self._refuse(Method.TELEGRAM, None)
        user, digest = said.user_id, self.vault.digest(b"telegram/" + said.signature)
        lasts_seconds = 2 * self.settings.telegram.max_age.total_seconds()

        async def find(tx: Connection) -> asyncpg.Record | None:
            if await tx.fetchval(sql("use_sign_in"), digest, lasts_seconds) is None:
                return None
            found: asyncpg.Record | None = await tx.fetchrow(sql("operator_by_telegram"), user)
            return found

        return await self.open(Method.TELEGRAM, find)

    async def step_up(
        self, caller: Caller, *, password: Secret | None, code: str | None, address: str | None
    ) -> Caller:
        """Prove once more who one is, by password or code. Raises `Forbidden`, `Unauthorized`, `RateLimited`."""
        if caller.session_id is None:
            raise Forbidden("an API key cannot prove that a person is there: sign in")
        await self.limits.count_step_up(caller.id, address=address)
        async with self.database.reading() as connection:
            operator = await connection.fetchrow(sql("read_operator"), caller.id)
        if operator is None or operator["password_hash"] is None:
            raise Forbidden("you have no password here: sign in again the way you did")
        right = (
            await passwords.verify(operator["password_hash"], _bounded(password))
            if password is not None
            else await self._takes(operator, code or "")
        )
        if not right:
            await self._refuse(Method.PASSWORD, operator)
        async with self.database.transaction() as tx:
            when = await sessions.renew_within(tx, caller, Method.PASSWORD)
        await self.limits.forgive_step_up(caller.id)
        return replace(caller, authenticated_at=when)

    async def open(self, method: Method, find: Found) -> OpenedSession:
        """Open a session for whom `find` finds, in one transaction. Raises `Unauthorized` when it finds nobody."""
        async with self.database.transaction() as tx:
            operator = await _still(tx, await find(tx))
            if operator is not None:
                return await sessions.open_within(tx, self.vault, self.settings, operator, method)
        return await self._refuse(method, None)

    async def _meant(self, name: str) -> tuple[str, asyncpg.Record | None]:
        """How tries at a name are counted, and whose it is. What nobody can be called is not looked up."""
        if len(name) > operators.MAX_NAME_LENGTH or not name.isprintable():
            return name.casefold(), None
        async with self.database.reading() as connection:
            row = one(await connection.fetchrow(sql("operator_to_sign_in"), name))
        return row["spelt"], row if row["id"] is not None else None

    async def _proves(self, operator: asyncpg.Record | None, password: Secret, code: str) -> bool:
        """Both are looked at for everybody, so that the time taken tells neither who is known nor what was wrong."""
        right = await passwords.verify(operator["password_hash"] if operator else None, _bounded(password))
        return right and operator is not None and await self._takes(operator, code)

    async def _takes(self, operator: asyncpg.Record, code: str) -> bool:
        secret = operators.open_totp(self.vault, operator)
        step = one_time_codes.step_of(secret, code, after=operator["totp_last_step"])
        if step is None:
            return False
        async with self.database.transaction() as tx:
            return await tx.fetchval(sql("use_totp_step"), operator["id"], step) is not None

    async def _refuse(self, method: Method, operator: asyncpg.Record | None) -> NoReturn:
        """Tell that a try failed, at whom if anybody is known, so often in a minute; never what was typed."""
        data: dict[str, str] = {"method": method.value}
        if operator is not None:
            data["operator"] = str(operator["id"])
        minute = f"{clock.now():%Y-%m-%dT%H:%M}"
        subject = uuid5(_REFUSED_IN, f"{data.get('operator', '')}\x1f{minute}")
        told = (subject, json.dumps(data), "sign-in", origin.current(), REFUSALS_PER_MINUTE)
        for _ in range(_TRIES):  # two at once take the same place, and one of them tries again
            async with self.database.transaction() as tx:
                if await tx.fetchval(sql("record_refused_sign_in"), *told) is not None:
                    break
        raise Unauthorized(_WRONG)


async def _known(operator: asyncpg.Record | None) -> asyncpg.Record | None:
    return operator


async def _still(tx: Connection, operator: asyncpg.Record | None) -> asyncpg.Record | None:
    """The operator, unless they were disabled or given another password since; held so until their session is opened."""
    if operator is None:
        return None
    now = await tx.fetchrow(sql("hold_operator"), operator["id"])
    return now if now is not None and now["password_hash"] == operator["password_hash"] else None


def _bounded(password: Secret) -> Secret:
    """Nobody makes us hash a novel."""
    return password if len(password.reveal()) <= MAX_PROOF_LENGTH else Secret("")
