"""Idempotency keys of our own API: the same key and request answers the same; the same key with another request is refused."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncpg

from rewardrails.errors import FieldInvalid, IdempotencyKeyReused
from rewardrails.store.database import Connection, Database, one
from rewardrails.store.sql import sql

MAX_KEY_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotentCall:
    """Who calls what under which key; `request` is the canonical request (bytes) that the key is bound to."""

    client: str
    operation: str
    key: str
    request: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not (0 < len(self.key) <= MAX_KEY_LENGTH and self.key.isascii() and self.key.isprintable()):
            raise FieldInvalid(
                f"send an Idempotency-Key of 1 to {MAX_KEY_LENGTH} printable ASCII characters", field="Idempotency-Key"
            )

    @property
    def digest(self) -> bytes:
        """What the key is bound to (32 bytes)."""
        return hashlib.sha256(self.operation.encode() + b"\x1f" + self.request).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
    """What the first call answered."""

    status: int
    body: bytes
    replayed: bool


async def once(
    database: Database, call: IdempotentCall, work: Callable[[Connection], Awaitable[tuple[int, bytes]]]
) -> StoredResponse:
    """Run `work` and store its answer in one transaction, or answer what an earlier call with this key answered.

    A call that raises leaves no trace, so it may be repeated. Raises `IdempotencyKeyReused` for another request.
    """
    return await database.run(lambda tx: _once(tx, call, work))


async def once_outside(
    database: Database, call: IdempotentCall, work: Callable[[], Awaitable[tuple[int, bytes]]]
) -> StoredResponse:
    """The same for `work` that speaks to the outside or runs transactions of its own, and is harmless to repeat.

    The answer is stored after `work`: a crash between the two, or two calls at the same moment, run `work` twice.
    """
    names = (call.client, call.operation, call.key)
    async with database.reading() as connection:
        row = await connection.fetchrow(sql("read_idempotency"), *names)
    if row is not None:
        return _replay(call, row)
    status, body = await work()

    async def answered(_: Connection) -> tuple[int, bytes]:
        return status, body

    return await once(database, call, answered)


def key_reused(key: str) -> IdempotencyKeyReused:
    """The refusal of a key that came with another request before."""
    return IdempotencyKeyReused(
        f"Idempotency-Key {key!r} was used with another request: use a new key for a new request",
        field="Idempotency-Key",
    )


def _replay(call: IdempotentCall, row: asyncpg.Record) -> StoredResponse:
    if row["request_digest"] != call.digest:
        raise key_reused(call.key)
    return StoredResponse(status=row["status"], body=row["response"], replayed=True)


async def _once(
    tx: Connection, call: IdempotentCall, work: Callable[[Connection], Awaitable[tuple[int, bytes]]]
) -> StoredResponse:
    names = (call.client, call.operation, call.key)
    taken = await tx.fetchval(sql("claim_idempotency"), *names, call.digest)
    if taken is None:
        row = one(await tx.fetchrow(sql("read_idempotency"), *names))
        return _replay(call, row)
    status, body = await work(tx)
    await tx.execute(sql("store_response"), *names, status, body)
    return StoredResponse(status=status, body=body, replayed=False)
