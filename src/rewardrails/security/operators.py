"""People who may sign in: who they are, what they are, and how they prove it."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from rewardrails import ids
from rewardrails.errors import FieldInvalid, Forbidden, NotFound, StateConflict
from rewardrails.secrets import Secret
from rewardrails.security import keys, one_time_codes, passwords
from rewardrails.security.caller import CallerKind
from rewardrails.security.roles import Role
from rewardrails.security.vault import Vault
from rewardrails.store.database import Connection, Database
from rewardrails.store.facts import tell
from rewardrails.store.sql import sql

MAX_NAME_LENGTH = 200
TOTP_PURPOSE = b"operator-totp"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOperator:
    """Somebody to add, with at least one way to sign in; `telegram_id` is a Telegram user's."""

    name: str
    roles: frozenset[Role]
    password: Secret | None = field(default=None, repr=False)
    oidc: tuple[str, str] | None = None
    telegram_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOperator:
    """An operator as listed; neither the password's hash nor the secret of the codes is ever shown."""

    id: UUID
    name: str
    roles: frozenset[Role]
    has_password: bool
    oidc_issuer: str | None
    oidc_subject: str | None
    telegram_id: int | None
    created_by: str
    created_at: datetime
    disabled_at: datetime | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What a new password comes with: the otpauth:// address for an authenticator, shown this once; None without one."""

    operator_id: UUID
    uri: Secret | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disabled:
    """Somebody who is out, and the keys of their making that went with them."""

    operator_id: UUID
    keys: tuple[UUID, ...]


async def any_operator(database: Database) -> bool:
    """Whether anybody was ever added, from when on people act under their own names."""
    async with database.reading() as connection:
        return bool(await connection.fetchval(sql("any_operator")))


async def list_operators(database: Database) -> list[StoredOperator]:
    """Everybody, oldest first."""
    async with database.reading() as connection:
        rows = await connection.fetch(sql("list_operators"))
    return [StoredOperator(**{**dict(row), "roles": frozenset(map(Role, row["roles"]))}) for row in rows]


async def add(database: Database, vault: Vault, new: NewOperator, *, actor: str) -> Enrolment:
    """Add somebody. Raises `FieldInvalid`, `StateConflict` when the name, subject or Telegram user is taken."""
    name = _checked(new)
    secret = one_time_codes.new_secret() if new.password else None
    hashed = await passwords.hashed(new.password) if new.password else None
    made = ids.new_id()
    async with database.transaction() as tx:
        if Role.ADMIN not in new.roles and not await tx.fetchval(sql("any_operator")):
            raise FieldInvalid("the first person has to be an admin: nobody else could add a second", field="roles")
        row = await tx.fetchrow(
            sql("insert_operator"),
            made,
            name,
            sorted(new.roles),
            hashed,
            *_sealed(vault, secret),
            *(new.oidc or (None, None)),
            new.telegram_id,
            actor,
        )
        if row is None:
            raise StateConflict(f"there is an operator {name!r} already, or one with this subject or Telegram user")
        await tell(tx, made, "operator.added", actor, roles=sorted(new.roles))
    return Enrolment(operator_id=made, uri=one_time_codes.enrolment_uri(secret, name) if secret else None)


async def set_roles(database: Database, name: str, roles: frozenset[Role], *, actor: str) -> UUID:
    """Make somebody this and nothing else, at once. Nobody changes their own roles. Raises `NotFound`, `Forbidden`."""
    if not roles:
        raise FieldInvalid("give at least one role, or disable the operator", field="roles")
    async with database.transaction() as tx:
        operator = await _locked(tx, name, actor)
        await tx.execute(sql("set_operator_roles"), operator["id"], sorted(roles))
        await tell(
            tx, operator["id"], "operator.roles_set", actor, before=sorted(operator["roles"]), roles=sorted(roles)
        )
    return UUID(str(operator["id"]))


async def disable(database: Database, name: str, *, actor: str) -> Disabled:
    """Keep somebody out from now on, every session ended, every key of their making revoked.

    Raises `NotFound`, `Forbidden` for oneself.
    """
    async with database.transaction() as tx:
        operator = await _locked(tx, name, actor)
        await tx.execute(sql("disable_operator"), operator["id"])
        await tx.execute(sql("revoke_sessions_of_operator"), operator["id"])
        revoked = await keys.revoke_made_by(tx, f"{CallerKind.OPERATOR}:{operator['id']}", actor=actor)
        await tell(tx, operator["id"], "operator.disabled", actor, keys_revoked=[str(key) for key in revoked])
    return Disabled(operator_id=operator["id"], keys=tuple(revoked))


async def reset(database: Database, vault: Vault, name: str, password: Secret, *, actor: str) -> Enrolment:
    """Give somebody a new password and authenticator, end every session, let them in again. Raises `NotFound`, `Forbidden`."""
    secret = one_time_codes.new_secret()
    hashed = await passwords.hashed(password)
    async with database.transaction() as tx:
        operator = await _locked(tx, name, actor)
        await tx.execute(sql("reset_operator"), operator["id"], hashed, *_sealed(vault, secret))
        await tx.execute(sql("revoke_sessions_of_operator"), operator["id"])
        await tell(tx, operator["id"], "operator.reset", actor)
    return Enrolment(operator_id=operator["id"], uri=one_time_codes.enrolment_uri(secret, operator["name"]))


async def end_sessions(tx: Connection, operator_id: UUID, *, actor: str) -> None:
    """End every session of somebody and tell it, if there was one, in the caller's transaction."""
    if await tx.fetch(sql("revoke_sessions_of_operator"), operator_id):
        await tell(tx, operator_id, "operator.sessions_ended", actor)


def open_totp(vault: Vault, operator: asyncpg.Record) -> Secret:
    """The secret of an operator's codes."""
    return Secret(vault.open(operator["totp_ciphertext"], TOTP_PURPOSE, operator["totp_key_id"]).decode())


def _checked(new: NewOperator) -> str:
    name = new.name.strip()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise FieldInvalid(f"a name is one line of 1 to {MAX_NAME_LENGTH} characters", field="name")
    if not new.roles:
        raise FieldInvalid("give at least one role", field="roles")
    if new.password is None and new.oidc is None and new.telegram_id is None:
        raise FieldInvalid("give a way to sign in: a password, an issuer and subject, or a Telegram user", field="name")
    return name


def _sealed(vault: Vault, secret: Secret | None) -> tuple[bytes | None, str | None]:
    if secret is None:
        return None, None
    return vault.seal(secret.reveal().encode(), TOTP_PURPOSE), vault.key_id


async def _locked(tx: Connection, name: str, actor: str) -> asyncpg.Record:
    row = await tx.fetchrow(sql("lock_operator"), name.strip())
    if row is None:
        raise NotFound(f"there is no operator {name.strip()!r}")
    if actor == f"{CallerKind.OPERATOR}:{row['id']}":
        raise Forbidden("this is yourself: another admin does it")
    return row
