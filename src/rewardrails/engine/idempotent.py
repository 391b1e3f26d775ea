"""Idempotency keys of our own API: the same key and request answers the same; the same key with another request is refused."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncpg

from rewardrails.errors import FieldInvalid, IdempotencyKeyReused, StateConflict
from rewardrails.store.database import Connection, Database, one
from rewardrails.store.sql import sql

MAX_KEY_LENGTH = 200
ABOUT_PAYOUTS = "payouts."
"""How operations begin whose answers show a payout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotentCall:
    """Who calls what under which key; `request` (bytes) is what the key is bound to: a keyed digest if it may be personal."""

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

    The key is bound to the request before `work`, so that another request under it does nothing; the answer is stored
    after it: a crash between the two, or two equal calls at the same moment, run `work` twice.
    """
    met = await database.run(lambda tx: _bind(tx, call))
    if met is not None:
        return met
    try:
        status, body = await work()
    except Exception:
        await database.run(lambda tx: tx.execute(sql("unbind_idempotency"), *_names(call), call.digest))
        raise
    return await database.run(lambda tx: _finish(tx, call, status, body))


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
    taken = await tx.fetchval(sql("claim_idempotency"), *_names(call), call.digest)
    if taken is None:
        return _replay(call, one(await tx.fetchrow(sql("read_idempotency"), *_names(call))))
    status, body = await work(tx)
    await tx.execute(sql("store_response"), *_names(call), status, body)
    await _forget_erased(tx, call)
    return StoredResponse(status=status, body=body, replayed=False)


async def _bind(tx: Connection, call: IdempotentCall) -> StoredResponse | None:
    """Bind the key to this request; answers what an equal call was answered, None while there is no answer yet."""
    if await tx.fetchval(sql("claim_idempotency"), *_names(call), call.digest) is not None:
        return None
    row = await tx.fetchrow(sql("read_idempotency"), *_names(call))
    if row is None:
        raise StateConflict("the earlier call with this Idempotency-Key was refused just now: send it again")
    known = _replay(call, row)
    return known if known.status else None


async def _finish(tx: Connection, call: IdempotentCall, status: int, body: bytes) -> StoredResponse:
    """Store the answer, unless an equal call has stored its own meanwhile: then that one is the answer."""
    if await tx.fetchval(sql("finish_idempotency"), *_names(call), call.digest, status, body) is not None:
        await _forget_erased(tx, call)
        return StoredResponse(status=status, body=body, replayed=False)
    return _replay(call, one(await tx.fetchrow(sql("read_idempotency"), *_names(call))))


async def _forget_erased(tx: Connection, call: IdempotentCall) -> None:
    """An erasure goes through the answers that are stored: one that comes just behind it must not keep what it erased."""
    if call.operation.startswith(ABOUT_PAYOUTS):
        await tx.execute(sql("writing_for_players"))
        await tx.execute(sql("erase_answer_of_erased"), *_names(call))


def _names(call: IdempotentCall) -> tuple[str, str, str]:
    return call.client, call.operation, call.key
