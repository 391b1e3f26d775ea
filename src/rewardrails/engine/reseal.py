"""Re-sealing everything stored with the present data key, beside running workers; then older keys are needed no more.

A value is written only where it still is what was read, so a kill, a second run or a worker at the same row loses nothing:
whatever was not reached is found by the next run.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from rewardrails import ids
from rewardrails.engine import webhooks
from rewardrails.engine.core import BEARER_VALUE, DESTINATION, EVIDENCE, RAIL_STATE, Core
from rewardrails.errors import ConfigInvalid, DataErased, KeyMissing, StateConflict
from rewardrails.security import operators
from rewardrails.security.data_keys import SEAL, stored_keys, unwrap, wrap
from rewardrails.security.wrapping import KeyRing
from rewardrails.store.facts import tell
from rewardrails.store.sql import sql

BATCH = 500
MAX_PASSES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One column of sealed values: its statements are `to_reseal_NAME` and `reseal_NAME`."""

    name: str
    purpose: bytes
    first: tuple[Any, ...]
    """What lies before every key of its table."""


_ZERO = "00000000-0000-0000-0000-000000000000"
COLUMNS = (
    _Column(name="payouts", purpose=DESTINATION, first=(_ZERO,)),
    _Column(name="batch_rows", purpose=DESTINATION, first=(_ZERO, 0)),
    _Column(name="observations", purpose=EVIDENCE, first=(_ZERO, _ZERO)),
    _Column(name="resolutions", purpose=EVIDENCE, first=(_ZERO,)),
    _Column(name="prepared", purpose=RAIL_STATE, first=("", "")),
    _Column(name="resume", purpose=RAIL_STATE, first=("", "")),
    _Column(name="values", purpose=BEARER_VALUE, first=(_ZERO, 0)),
    _Column(name="webhook_bodies", purpose=webhooks.BODY, first=(_ZERO,)),
    _Column(name="webhook_observations", purpose=webhooks.OBSERVATIONS, first=(_ZERO,)),
    _Column(name="operators", purpose=operators.TOTP_PURPOSE, first=(_ZERO,)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """What a run did: values sealed anew, values no key opens (left as they are), keys retired by it."""

    values: int
    unreadable: int
    retired: tuple[str, ...]


async def reseal(core: Core, *, actor: str, batch: int = BATCH) -> Resealed:
    """Seal everything with the present data key, wrap the keys of lookups with the present master key, retire the rest.

    Values of erased players become empty. A key that still seals something is not retired. Raises, before anything is
    written, `KeyMissing` when a key in use is not held here, `StateConflict` when others seal with a newer key already.
    """
    ring = core.ring
    if ring is None:
        raise StateConflict("the keys of this process were not taken from the database: open it with the configuration")
    await _refuse_newer(core)
    await _refuse_missing(core)
    run = ids.new_id()
    await core.database.run(lambda tx: tell(tx, run, "vault.reseal_begun", actor, key_id=core.vault.key_id))
    values = unreadable = 0
    for _ in range(MAX_PASSES):
        passes = [await _column(core, column, batch) for column in COLUMNS]
        done, unreadable = (sum(figures) for figures in zip(*passes, strict=True))
        values += done
        if not done:
            break
    await _wrap_anew(core, ring)
    retired = await _retire(core)
    said = {"values": values, "unreadable": unreadable, "retired": retired}
    await core.database.run(lambda tx: tell(tx, run, "vault.resealed", actor, **said))
    return Resealed(values=values, unreadable=unreadable, retired=retired)


async def keys_in_use(core: Core) -> frozenset[str]:
    """Data keys besides the present one that something is still sealed with; "" stands for clear text. Reads every table."""
    async with core.database.reading() as connection:
        return frozenset(row["key_id"] for row in await connection.fetch(sql("old_seals"), core.vault.key_id))


async def _refuse_newer(core: Core) -> None:
    rows = {row["id"]: row for row in await stored_keys(core.database) if row["purpose"] == SEAL}
    here = rows[core.vault.key_id]
    newer = [row for row in rows.values() if row["created_at"] > here["created_at"] and row["retired_at"] is None]
    if newer:
        raise StateConflict(
            f"the master key {newer[-1]['wrapped_by']} is newer than {here['wrapped_by']}, with which this process seals: "
            "make it [security] master_key and the other one an old one, then reseal"
        )


async def _refuse_missing(core: Core) -> None:
    missing = sorted(key for key in await keys_in_use(core) if key and not core.vault.holds(key))
    if missing:
        raise KeyMissing(
            f"values are sealed with the data key {', '.join(missing)}, which this process does not hold: add its master key "
            "to [security] old_master_keys; nothing was changed"
        )


async def _column(core: Core, column: _Column, batch: int) -> tuple[int, int]:
    """Go through one column once; answers values sealed anew, and values no key opens."""
    after, done, unreadable = column.first, 0, 0
    while True:
        async with core.database.reading() as connection:
            rows = await connection.fetch(sql(f"to_reseal_{column.name}"), core.vault.key_id, batch, *after)
        if not rows:
            return done, unreadable
        after = _key(rows[-1])
        sealed = await asyncio.to_thread(_sealed_anew, core, column, rows)
        unreadable += len(rows) - len(sealed)
        done += await _write(core, column, sealed)


def _sealed_anew(core: Core, column: _Column, rows: Sequence[asyncpg.Record]) -> Sequence[tuple[asyncpg.Record, bytes]]:
    sealed = []
    for row in rows:
        try:
            plain = row["sealed"] if row["key_id"] is None else _opened(core, column, row)
        except ConfigInvalid:
            continue
        sealed.append((row, b"" if plain is None else core.vault.seal(plain, column.purpose, row["salt"])))
    return sealed


def _opened(core: Core, column: _Column, row: asyncpg.Record) -> bytes | None:
    try:
        return core.vault.open(row["sealed"], column.purpose, row["key_id"], row["salt"])
    except DataErased:
        return None


async def _write(core: Core, column: _Column, sealed: Sequence[tuple[asyncpg.Record, bytes]]) -> int:
    if not sealed:
        return 0
    keys = zip(*(_key(row) for row, _ in sealed), strict=True)
    was = [row["sealed"] for row, _ in sealed]
    columns = [*(list(part) for part in keys), was, [value for _, value in sealed]]
    rows = await core.database.run(lambda tx: tx.fetch(sql(f"reseal_{column.name}"), core.vault.key_id, *columns))
    return len(rows)


def _key(row: asyncpg.Record) -> tuple[Any, ...]:
    return tuple(value for name, value in row.items() if name in ("a", "b"))


async def _wrap_anew(core: Core, ring: KeyRing) -> None:
    """The keys of lookups stay what they are; from now on the present master key opens them."""
    rows = [
        row
        for row in await stored_keys(core.database)
        if row["purpose"] != SEAL and row["wrapped_by"] != ring.current.name
    ]
    if not rows:
        return
    plain = await unwrap(ring, rows)
    wrapped = list(await wrap(ring.current, [(row["id"], row["purpose"], plain[row["id"]]) for row in rows]))
    columns = ([row["id"] for row in rows], [row["wrapped"] for row in rows], ring.current.name, wrapped)
    await core.database.run(lambda tx: tx.execute(sql("wrap_data_keys_anew"), *columns))


async def _retire(core: Core) -> tuple[str, ...]:
    """Retire the sealing keys nothing is sealed with any more."""
    old = await keys_in_use(core)
    if "" in old:
        return ()
    unused = [
        row["id"]
        for row in await stored_keys(core.database)
        if row["purpose"] == SEAL and row["id"] != core.vault.key_id and row["id"] not in old
    ]
    retired = await core.database.run(lambda tx: tx.fetch(sql("retire_data_keys"), unused))
    return tuple(row["id"] for row in retired)
