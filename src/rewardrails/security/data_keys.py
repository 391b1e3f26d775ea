"""The data keys of a database: stored wrapped, made when one is missing, unwrapped once when a process starts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest

import asyncpg

from rewardrails import ids
from rewardrails.errors import KeyMissing, StateConflict
from rewardrails.security.vault import NEW_FORM, DataKeys, first_key_id
from rewardrails.security.wrapping import KeyRing, KeyWrapper, MasterKey
from rewardrails.store.database import Database, assert_no_transaction
from rewardrails.store.sql import sql

SEAL, DIGEST, PEPPER = "seal", "digest", "pepper"
_CONSTANT = {DIGEST: b"digest", PEPPER: b"api-key"}
_KEY_BYTES = 32
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _NewKey:
    id: str
    purpose: str
    wrapper: KeyWrapper
    plain: bytes = field(repr=False)


async def load(database: Database, ring: KeyRing) -> DataKeys:
    """Every data key this process may need, unwrapped; what is missing in the database is made first.

    A database of an older version keeps its keys: they are the ones its master key gives. Of each key on the ring there is
    a data key afterwards, so that processes that only open with it can read what others seal with it. Raises `KeyMissing`
    when a key in use is wrapped by none of the ring, `KeyServiceUnavailable`; then nothing was written.
    """
    for _ in range(_TRIES):
        rows = await stored_keys(database)
        _refuse_what_no_key_opens(ring, rows)
        missing = await _missing(database, ring, rows)
        if not missing:
            return _chosen(ring, rows, await unwrap(ring, rows))
        await _store(database, missing, known=len(rows))
    raise StateConflict("other processes keep adding data keys: start again")


async def stored_keys(database: Database) -> Sequence[asyncpg.Record]:
    """Every data key as stored, oldest first."""
    async with database.reading() as connection:
        rows: Sequence[asyncpg.Record] = await connection.fetch(sql("data_keys"))
    return rows


async def wrap(wrapper: KeyWrapper, keys: Sequence[tuple[str, str, bytes]]) -> Sequence[bytes]:
    """Keys, each as (id, purpose, 32 bytes), as ciphertexts that `unwrap` opens under the same id and purpose alone."""
    return await wrapper.wrap([_place(key_id, purpose) + plain for key_id, purpose, plain in keys])


async def unwrap(ring: KeyRing, rows: Iterable[asyncpg.Record]) -> Mapping[str, bytes]:
    """Keys by id, one call to each wrapper; those of a wrapper that is not on the ring are left out.

    Raises `KeyMissing` for a key that was wrapped as another one. Older versions did not say as which they wrapped it.
    """
    assert_no_transaction()
    by_wrapper: dict[str, list[asyncpg.Record]] = {}
    for row in rows:
        by_wrapper.setdefault(row["wrapped_by"], []).append(row)
    found: dict[str, bytes] = {}
    for name, wrapper in ring.by_name.items():
        wrapped = by_wrapper.get(name, [])
        keys = await wrapper.unwrap([bytes(row["wrapped"]) for row in wrapped]) if wrapped else []
        found |= {row["id"]: _at_its_place(row, key) for row, key in zip(wrapped, keys, strict=True)}
    return found


def _place(key_id: str, purpose: str) -> bytes:
    """Which key it is (32 bytes). It stands inside what is wrapped: key services differ in what they bind outside it."""
    return sha256(f"rewardrails/data-key/{purpose}/{key_id}".encode()).digest()


def _at_its_place(row: asyncpg.Record, opened: bytes) -> bytes:
    place, key = opened[:-_KEY_BYTES], opened[-_KEY_BYTES:]
    if place and not compare_digest(place, _place(row["id"], row["purpose"])):
        raise KeyMissing(
            f"the stored data key {row['id']} was wrapped as another one: somebody exchanged rows of the table data_key; "
            "restore it from a backup"
        )
    return key


def _refuse_what_no_key_opens(ring: KeyRing, rows: Sequence[asyncpg.Record]) -> None:
    lost = sorted({row["wrapped_by"] for row in rows if row["retired_at"] is None} - ring.by_name.keys())
    if lost:
        raise KeyMissing(
            f"this database is sealed with the master key {', '.join(lost)}, this process has {', '.join(ring.by_name)}: "
            'give every process the same key, [security] master_key = "env:..." or the same working folder; during a '
            "rotation both, the other one in old_master_keys",
            field="security.master_key",
        )
    mine = [row for row in rows if row["purpose"] == SEAL and row["wrapped_by"] == ring.current.name]
    if mine and all(row["retired_at"] is not None for row in mine):
        raise KeyMissing(
            f"the master key {ring.current.name} was retired: put the present one into [security] master_key",
            field="security.master_key",
        )


async def _missing(database: Database, ring: KeyRing, rows: Sequence[asyncpg.Record]) -> list[_NewKey]:
    older = await _older_key(database, ring) if not rows else None
    missing: list[_NewKey] = []
    if older is not None:  # what an older version sealed stands there without a version byte
        missing.append(_NewKey(id=older.name, purpose=SEAL, wrapper=older, plain=older.derived(b"seal")))
    there = {row["purpose"] for row in rows}
    maker = older or ring.current
    missing += [
        _NewKey(id=purpose, purpose=purpose, wrapper=maker, plain=_constant(maker, purpose))
        for purpose in (DIGEST, PEPPER)
        if purpose not in there
    ]
    sealing = {row["wrapped_by"] for row in rows if row["id"].startswith(NEW_FORM)}
    missing += [_sealing(wrapper) for name, wrapper in ring.by_name.items() if name not in sealing]
    return missing


async def _older_key(database: Database, ring: KeyRing) -> MasterKey | None:
    """The master key of a database that was begun before data keys were stored. Raises `KeyMissing`."""
    async with database.reading() as connection:
        name = await connection.fetchval(sql("instance_key"))
    if name is None:
        return None
    wrapper = ring.by_name.get(name)
    if not isinstance(wrapper, MasterKey):
        raise KeyMissing(
            f"this database is sealed with the master key {name}, this process has {', '.join(ring.by_name)}: configure it, "
            "as old_master_keys if another one is to seal from now on",
            field="security.master_key",
        )
    return wrapper


def _constant(maker: KeyWrapper, purpose: str) -> bytes:
    return maker.derived(_CONSTANT[purpose]) if isinstance(maker, MasterKey) else _random()


def _sealing(wrapper: KeyWrapper) -> _NewKey:
    if isinstance(wrapper, MasterKey):
        key_id, plain = first_key_id(wrapper), wrapper.derived(b"data-key")
    else:
        key_id, plain = NEW_FORM + ids.new_id().hex[-12:], _random()
    return _NewKey(id=key_id, purpose=SEAL, wrapper=wrapper, plain=plain)


def _random() -> bytes:
    return ids.random_bytes(_KEY_BYTES)


async def _store(database: Database, missing: Sequence[_NewKey], *, known: int) -> None:
    """Wrap new keys, then store all of them, unless another process has stored some meanwhile."""
    assert_no_transaction()
    wrapped = [(await wrap(key.wrapper, [(key.id, key.purpose, key.plain)]))[0] for key in missing]
    async with database.transaction() as tx:
        await tx.execute(sql("lock_data_keys"))
        if len(await tx.fetch(sql("data_keys"))) != known:
            return
        await tx.execute(
            sql("insert_data_keys"),
            [key.id for key in missing],
            [key.purpose for key in missing],
            [key.wrapper.name for key in missing],
            wrapped,
        )


def _chosen(ring: KeyRing, rows: Sequence[asyncpg.Record], plain: Mapping[str, bytes]) -> DataKeys:
    sealing = {row["id"]: plain[row["id"]] for row in rows if row["purpose"] == SEAL and row["id"] in plain}
    mine = [
        row["id"]
        for row in rows
        if row["wrapped_by"] == ring.current.name and row["id"].startswith(NEW_FORM) and row["retired_at"] is None
    ]
    return DataKeys(sealing=sealing, seals_with=mine[-1], digest=plain[DIGEST], pepper=plain[PEPPER])
