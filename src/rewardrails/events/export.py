"""The log as a file that anybody can verify: a line about where it begins and ends, then one event a line."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.json import Decoder

from rewardrails.errors import FieldInvalid, FileInvalid, NotFound
from rewardrails.events.canonical import GENESIS, VERSION
from rewardrails.events.checkpoint_store import CheckpointStore
from rewardrails.events.signing import Believed
from rewardrails.events.verify import Report, rows_of
from rewardrails.events.walk import Place, Row, Walk
from rewardrails.store.database import Connection, Database, one
from rewardrails.store.sql import sql

FORMAT = "rewardrails-audit"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_Int8 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Int4 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
_COPIED = ("position", "n", "transaction_id", "version", "type", "actor", "origin", "outcome", "code", "data")


class _Line(Struct, kw_only=True, forbid_unknown_fields=True):
    position: _Int8
    n: _Int8
    transaction_id: _Int8
    subject_id: UUID
    version: _Int4
    created_at: Annotated[datetime, Meta(tz=True)]
    type: str
    actor: str
    origin: str
    outcome: str
    code: str | None
    before_digest: str | None
    after_digest: str | None
    data: str
    chain_hash: str


_decode = Decoder(_Line).decode


async def export(database: Database, file: BinaryIO, *, first: int = 1, last: int | None = None) -> int:
    """Write sealed events `first` to `last` (None: all there are) as they stand at one moment; answers how many.

    Raises `FieldInvalid` for a range that is none, `NotFound` when there are no such events.
    """
    if first < 1 or (last is not None and last < first):
        raise FieldInvalid("events are counted from 1, and the last is not before the first", field="from")
    async with database.reading() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        before = await _place(connection, first - 1)
        end = await _end(connection, last)
        if end.position < first:
            raise NotFound(f"the sealed log ends at position {end.position}")
        head = {"format": FORMAT, "v": VERSION, "after": _shown(before), "through": _shown(end)}
        file.write(_line(head))
        count = 0
        async for row in rows_of(connection, after=first - 1, to=end.position):
            file.write(_line(event_line(row)))
            count += 1
    return count


async def verify_file(
    path: Path, *, checkpoints: CheckpointStore | None = None, believed: Believed | None = None
) -> Report:
    """Verify an export without any database. Raises `FileInvalid` when it is none."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileInvalid(f"{path} cannot be read ({error.strerror})") from error
    with file:
        after, head = _header(file.readline())
        walk = Walk(
            after=after,
            head=head,
            checkpoints=_none() if checkpoints is None else checkpoints.read(),
            believed=believed or Believed(()),
            is_part=True,
        )
        fault = await walk.run(_each(_rows(file)))
    return Report(
        events=walk.at.position - after.position,
        checkpoints=walk.compared,
        signed_to=walk.signed_to,
        waiting=0,
        payouts=0,
        fault=fault,
        goes_on_to=walk.goes_on_to,
    )


def event_line(row: Row) -> dict[str, Any]:
    """One event as an export shows it."""
    return {
        **{name: row[name] for name in _COPIED},
        "subject_id": str(row["subject_id"]),
        "created_at": (_EPOCH + row["created_us"] * _MICROSECOND).isoformat(timespec="microseconds"),
        "before_digest": _hex(row["before_digest"]),
        "after_digest": _hex(row["after_digest"]),
        "chain_hash": row["chain_hash"].hex(),
    }


def read_event(line: bytes) -> Row:
    """The event of a line. Raises `ValueError` when it is none."""
    found = _decode(line)
    return {
        **{name: getattr(found, name) for name in _COPIED},
        "subject_id": found.subject_id,
        "created_us": (found.created_at - _EPOCH) // _MICROSECOND,
        "before_digest": _bytes(found.before_digest),
        "after_digest": _bytes(found.after_digest),
        "chain_hash": bytes.fromhex(found.chain_hash),
    }


async def _place(connection: Connection, position: int) -> Place:
    if position == 0:
        return Place(position=0, chain_hash=GENESIS)
    row = one(await connection.fetchrow(sql("log_head"), position))
    if row["hash_there"] is None:
        raise NotFound(f"there is no event at position {position}: the sealed log ends at {row['position']}")
    return Place(position=position, chain_hash=row["hash_there"])


async def _end(connection: Connection, last: int | None) -> Place:
    row = one(await connection.fetchrow(sql("log_head"), 0))
    if last is not None and last < row["position"]:
        return await _place(connection, last)
    return Place(position=row["position"], chain_hash=row["chain_hash"])


def _header(line: bytes) -> tuple[Place, Place]:
    with suppress(ValueError, KeyError, TypeError):
        found = json.loads(line)
        if found["format"] == FORMAT and found["v"] == VERSION:
            return _read_place(found["after"]), _read_place(found["through"])
    raise FileInvalid("this is no export of the audit log: make one with rewardrails audit export PATH")


def _rows(file: BinaryIO) -> Iterator[Row]:
    for number, line in enumerate(file, 2):
        try:
            yield read_event(line)
        except (ValueError, OverflowError):
            raise FileInvalid(f"line {number} is not an event: the file is damaged") from None


async def _each(rows: Iterator[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row


async def _none() -> AsyncIterator[Any]:
    return
    yield


def _shown(place: Place) -> dict[str, str | int]:
    return {"position": place.position, "chain_hash": place.chain_hash.hex()}


def _read_place(found: dict[str, Any]) -> Place:
    return Place(position=int(found["position"]), chain_hash=bytes.fromhex(found["chain_hash"]))


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else raw.hex()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)
