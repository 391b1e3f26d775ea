"""Sessions of people: a token whose digest is stored, at rest after a while, over after a day at most, ended by its owner."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg

from rewardrails import ids
from rewardrails.config import SignInSettings
from rewardrails.errors import Unauthorized
from rewardrails.secrets import Secret
from rewardrails.security.caller import Caller, CallerKind
from rewardrails.security.roles import Role, scopes_of
from rewardrails.security.vault import Vault
from rewardrails.store.database import Connection, Database, one
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql

PREFIX = "rs_"
_TOKEN_BYTES = 32


class Method(StrEnum):
    """How somebody proved who they are."""

    PASSWORD = "password"  # noqa: S105 - a word, no password
    OIDC = "oidc"
    TELEGRAM = "telegram"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSession:
    """A new session; its token is shown this once."""

    id: UUID
    token: Secret
    operator_id: UUID
    name: str
    expires_at: datetime


async def open_within(
    tx: Connection, vault: Vault, settings: SignInSettings, operator: asyncpg.Record, method: Method
) -> OpenedSession:
    """Open a session for an operator and tell it, in the caller's transaction."""
    token = Secret(PREFIX + ids.new_token(_TOKEN_BYTES))
    row = one(
        await tx.fetchrow(
            sql("insert_operator_session"),
            ids.new_id(),
            _digest(vault, token.reveal()),
            operator["id"],
            method.value,
            settings.idle.total_seconds(),
            settings.lifetime.total_seconds(),
        )
    )
    actor = f"{CallerKind.OPERATOR}:{operator['id']}"
    await _tell(tx, row["id"], "operator.signed_in", method, actor)
    return OpenedSession(
        id=row["id"], token=token, operator_id=operator["id"], name=operator["name"], expires_at=row["expires_at"]
    )


async def authenticate(database: Database, vault: Vault, token: str) -> Caller:
    """The person a session's token belongs to, as they are now. Raises `Unauthorized`."""
    async with database.reading() as connection:
        row = await connection.fetchrow(sql("operator_session_by_digest"), _digest(vault, token))
        if row is None:
            raise Unauthorized("this session is over or was never there: sign in again")
        if row["seen_long_ago"]:
            await connection.execute(sql("touch_operator_session"), row["id"])
    roles = frozenset(Role(role) for role in row["roles"])
    return Caller(
        kind=CallerKind.OPERATOR,
        id=row["operator_id"],
        name=row["name"],
        scopes=scopes_of(roles),
        roles=roles,
        session_id=row["id"],
        authenticated_at=row["authenticated_at"],
    )


async def sign_out(database: Database, caller: Caller) -> None:
    """End the caller's session; ending it again is harmless."""
    async with database.transaction() as tx:
        session = caller.session_id
        if session is not None and await tx.fetchval(sql("revoke_operator_session"), session) is not None:
            version = await tx.fetchval(sql("next_version_of"), session)
            fact = Fact(subject_id=session, version=version, type="operator.signed_out")
            await record_facts(tx, [fact], actor=caller.actor)


async def renew_within(tx: Connection, caller: Caller, method: Method) -> datetime:
    """Note that the caller has proved again who they are; answers when. Raises `Unauthorized` for an ended session."""
    when: datetime | None = await tx.fetchval(sql("renew_operator_session"), caller.session_id)
    if when is None or caller.session_id is None:
        raise Unauthorized("this session is over: sign in again")
    await _tell(tx, caller.session_id, "operator.stepped_up", method, caller.actor)
    return when


def csrf_token(vault: Vault, session_id: UUID) -> str:
    """What a page sends in `X-CSRF-Token` with every change: it belongs to this session, and no other site can know it."""
    return base64.urlsafe_b64encode(vault.digest(b"csrf/" + session_id.bytes)).decode().rstrip("=")


def _digest(vault: Vault, token: str) -> bytes:
    return vault.api_key_digest(token.encode("utf-8", "surrogatepass"))


async def _tell(tx: Connection, session: UUID, event: str, method: Method, actor: str) -> None:
    version = await tx.fetchval(sql("next_version_of"), session)
    fact = Fact(subject_id=session, version=version, type=event, data=json.dumps({"method": method.value}))
    await record_facts(tx, [fact], actor=actor)
