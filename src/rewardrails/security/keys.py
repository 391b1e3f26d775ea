"""API keys: 128 random bits and more, stored as a peppered digest, with scopes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rewardrails import ids
from rewardrails.errors import FieldInvalid, Forbidden, NotFound, Unauthorized
from rewardrails.secrets import Secret
from rewardrails.security.caller import Caller, CallerKind
from rewardrails.security.roles import MATRIX, Role
from rewardrails.security.scopes import Scope
from rewardrails.security.vault import Vault
from rewardrails.store.database import Connection, Database
from rewardrails.store.facts import Fact, record_facts, tell
from rewardrails.store.sql import sql

__all__ = [
    "PREFIX",
    "Scope",
    "StoredKey",
    "authenticate",
    "create_key",
    "list_keys",
    "require_grantable",
    "revoke_key",
    "revoke_made_by",
]

PREFIX = "rr_"
_TOKEN_BYTES = 32
PERSONAL = frozenset({Scope.APPROVE, Scope.COMPLY, Scope.RESOLVE, Scope.PEOPLE, Scope.ADMIN})
"""What two people do together, or what makes people: no key gets it but from a key with the scope `admin`."""
FOR_MACHINES = MATRIX[Role.GAME_BACKEND] | {Scope.READ}
"""What whoever keeps people and keys gives machines without holding it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key as listed; its secret cannot be shown again."""

    id: UUID
    name: str
    scopes: frozenset[Scope]
    created_by: str
    created_at: datetime
    revoked_at: datetime | None


async def create_key(
    database: Database, vault: Vault, *, name: str, scopes: frozenset[Scope], actor: str
) -> tuple[Caller, Secret]:
    """A new key and its token, which is shown this once. Raises `Unauthorized` for an actor who was shut out meanwhile."""
    if not name.strip() or not scopes:
        raise FieldInvalid("a key needs a name and at least one scope", field="name" if scopes else "scopes")
    token = PREFIX + ids.new_token(_TOKEN_BYTES)
    key = Caller(kind=CallerKind.KEY, id=ids.new_id(), name=name.strip(), scopes=scopes)
    async with database.transaction() as tx:
        await _hold_maker(tx, actor)
        digest = vault.api_key_digest(token.encode())
        await tx.execute(sql("insert_api_key"), key.id, key.name, digest, sorted(scopes), actor)
        await tell(tx, key.id, "key.created", actor, name=key.name, scopes=sorted(scopes))
    return key, Secret(token)


def require_grantable(caller: Caller, scopes: frozenset[Scope]) -> None:
    """Raise `Forbidden` unless `caller` may make a key with these scopes: of their own, or what machines need.

    A person's word needs the person: whoever could make a key that approves would be two persons by themselves.
    """
    if caller.may(Scope.ADMIN):
        return
    if personal := sorted(PERSONAL & scopes):
        raise Forbidden(
            f"{', '.join(personal)}: this takes a person who signs in; add an operator with the role instead"
        )
    given = FOR_MACHINES if caller.may(Scope.PEOPLE) else frozenset[Scope]()
    if foreign := sorted(scope for scope in scopes - given if not caller.may(scope)):
        raise Forbidden(
            f"{', '.join(foreign)}: nobody gives a key what they may not do themselves; ask somebody who may"
        )


async def authenticate(database: Database, vault: Vault, token: str) -> Caller:
    """The key a token belongs to. Raises `Unauthorized`."""
    if token.startswith(PREFIX):
        async with database.reading() as connection:
            row = await connection.fetchrow(sql("api_key_by_digest"), vault.api_key_digest(token.encode()))
        if row is not None:
            scopes = frozenset(Scope(scope) for scope in row["scopes"])
            return Caller(kind=CallerKind.KEY, id=row["id"], name=row["name"], scopes=scopes)
    raise Unauthorized("this needs a valid API key: send it as 'Authorization: Bearer rr_...'")


async def list_keys(database: Database) -> list[StoredKey]:
    """Every key, oldest first."""
    async with database.reading() as connection:
        rows = await connection.fetch(sql("list_api_keys"))
    return [StoredKey(**{**dict(row), "scopes": frozenset(Scope(scope) for scope in row["scopes"])}) for row in rows]


async def revoke_key(database: Database, key_id: UUID, *, actor: str) -> None:
    """Make a key useless at once. Raises `NotFound`."""
    async with database.transaction() as tx:
        if await tx.fetchval(sql("revoke_api_key"), key_id) is None:
            raise NotFound(f"there is no active key {key_id}")
        await record_facts(tx, [Fact(subject_id=key_id, version=2, type="key.revoked")], actor=actor)


async def revoke_made_by(tx: Connection, maker: str, *, actor: str) -> list[UUID]:
    """Revoke every key that `maker` made, and that those made, in the caller's transaction; answers which."""
    revoked: list[UUID] = []
    while rows := await tx.fetch(sql("revoke_keys_made_by"), maker):
        revoked += [row["id"] for row in rows]
    await record_facts(tx, [Fact(subject_id=one, version=2, type="key.revoked") for one in revoked], actor=actor)
    return revoked


async def _hold_maker(tx: Connection, actor: str) -> None:
    kind, _, name = actor.partition(":")
    if kind not in set(CallerKind):
        return
    try:
        there = await tx.fetchval(sql("hold_maker_of_key"), UUID(name), kind)
    except ValueError:
        there = False
    if not there:
        raise Unauthorized("whoever makes this key was disabled, or their key revoked")
