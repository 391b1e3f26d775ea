"""A season's file: staged row by row with a verdict each, moving no money; then started, in chunks, exactly once.

Sending the same bytes again finds the same batch: an interrupted staging goes on where it stopped, a staged or started one
is answered as it stands. The rules the rows were judged by count as content, so a corrected configuration judges anew.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from uuid import UUID

import asyncpg

from rewardrails import ids
from rewardrails.domain.reward import RowRules
from rewardrails.engine.core import Core
from rewardrails.engine.player_salts import salts_for
from rewardrails.engine.ready import is_as_asked
from rewardrails.engine.request import PayoutRequest, RequestResult, RequestVerdict, request_within
from rewardrails.errors import DataErased, ErrorCode, FileInvalid, NotFound, StateConflict
from rewardrails.intake.reader import Chunk, FileFormat, StagedRow, read_rows
from rewardrails.store.database import Connection, one
from rewardrails.store.facts import tell
from rewardrails.store.sql import sql

START_CHUNK = 1000
STAGE_CHUNK = 2000


class BatchState(StrEnum):
    """Where a batch stands."""

    STAGING = "staging"
    STAGED = "staged"
    STARTING = "starting"
    STARTED = "started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A staged file."""

    id: UUID
    name: str
    format: FileFormat
    state: BatchState
    rows_staged: int
    bytes_staged: int
    started_to: int
    created_by: str
    created_at: datetime
    started_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """How many rows of one asset have one verdict; amount in smallest units (of accepted and replayed rows)."""

    verdict: RequestVerdict
    code: str | None
    asset: str | None
    rows: int
    amount_minor: int
    payouts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPayouts:
    """How many payouts of a batch stand in one state; amount in smallest units."""

    state: str
    asset: str
    payouts: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTotals:
    """A batch by verdict, and its payouts by state."""

    lines: tuple[BatchLine, ...]
    payouts: tuple[BatchPayouts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """One row's verdict, and where its payout stands."""

    row_no: int
    reward_id: str | None
    verdict: RequestVerdict
    code: str | None
    field: str | None
    message: str | None
    payout_id: UUID | None
    asset: str | None
    amount_minor: int | None
    state: str | None
    payout_code: str | None


async def open_batch(core: Core, *, name: str, file_format: FileFormat, actor: str) -> UUID:
    """A new empty batch, ready to be staged into."""
    async with core.database.transaction() as tx:
        return await open_batch_within(tx, name=name, file_format=file_format, actor=actor)


async def open_batch_within(tx: Connection, *, name: str, file_format: FileFormat, actor: str) -> UUID:
    """`open_batch` inside the caller's transaction."""
    batch_id = ids.new_id()
    await tx.execute(sql("insert_batch"), batch_id, name, file_format.value, actor)
    await tell(tx, batch_id, "batch.opened", actor, name=name, format=file_format.value)
    return batch_id


async def discard(core: Core, batch_id: UUID) -> None:
    """Forget a batch whose file turned out unreadable; one that is staged whole stays."""
    async with core.database.transaction() as tx:
        maker = await tx.fetchval(sql("delete_batch"), batch_id)
        if maker is not None:
            await tx.execute(sql("delete_batch_rows"), batch_id)
            await tell(tx, batch_id, "batch.discarded", maker)


async def stage(core: Core, batch_id: UUID, data: AsyncIterable[bytes]) -> Batch:
    """Stage a file into a batch, in bounded memory; answers the batch that holds these bytes.

    An interrupted batch given the same file goes on after its last stored row. Raises `FileInvalid` when the file as a
    whole cannot be read or is not the one the batch began with, `StateConflict` when the batch is complete already.
    """
    batch = await read_batch(core, batch_id)
    if batch.state is not BatchState.STAGING:
        raise StateConflict(f"batch {batch_id} is {batch.state.value}: open another batch for another file")
    async with core.database.reading() as connection:
        staged = _Place.of(one(await connection.fetchrow(sql("staged_so_far"), batch_id)))
    here = _START
    writing: asyncio.Task[None] | None = None
    try:
        async for chunk in read_rows(data, batch.format, core.config.row_rules(), rows_per_chunk=STAGE_CHUNK):
            before, here = here, _Place.after(core, chunk)
            if chunk.rows and here.rows <= staged.rows:
                _check_same_file(batch_id, here, staged)
                continue
            if before.rows < staged.rows:
                raise _another_file(batch_id)
            columns = await asyncio.to_thread(_columns, core, chunk.rows)
            if writing is not None:
                await writing
            # The database stores this chunk while the next one is read.
            work = partial(
                _stage_chunk, core=core, batch_id=batch_id, chunk=chunk, before=before, here=here, columns=columns
            )
            writing = asyncio.create_task(core.database.run(work))
            await asyncio.sleep(0)
    finally:
        if writing is not None:
            await writing
    return await _finish(core, batch_id, here, _content_digest(core, batch.format, here.prefix_digest or b""))


@dataclass(frozen=True, slots=True)
class _Place:
    """How far into a file an upload is: its rows, and the keyed digest of its bytes up to there."""

    rows: int
    prefix_digest: bytes | None

    @classmethod
    def of(cls, row: asyncpg.Record) -> "_Place":
        return cls(row["rows_staged"], row["prefix_digest"])

    @classmethod
    def after(cls, core: Core, chunk: Chunk) -> "_Place":
        # Keyed, for a file of one row is guessed as easily as the row.
        return cls(chunk.rows[-1].row_no if chunk.rows else 0, core.vault.digest(chunk.prefix_digest))


_START = _Place(0, None)


def _check_same_file(batch_id: UUID, here: _Place, staged: _Place) -> None:
    if here.rows == staged.rows and here != staged:
        raise _another_file(batch_id)


def _another_file(batch_id: UUID) -> FileInvalid:
    return FileInvalid(f"batch {batch_id} was begun with another file; open a new batch for this one")


async def _stage_chunk(
    tx: Connection,
    *,
    core: Core,
    batch_id: UUID,
    chunk: Chunk,
    before: _Place,
    here: _Place,
    columns: tuple[object, ...],
) -> None:
    """Append a chunk to exactly what this upload read before it, unless it is there: a lost commit, or a second upload."""
    position = (here.rows, chunk.bytes_consumed, here.prefix_digest, before.rows, before.prefix_digest)
    if await tx.fetchval(sql("note_staged"), batch_id, *position) is not None:
        if chunk.rows:
            salts = await salts_for(tx, [row.reward.player_id for row in chunk.rows if row.reward])
            sealed = await asyncio.to_thread(_sealed, core, chunk.rows, salts)
            await tx.execute(sql("stage_rows"), batch_id, *columns, sealed, core.vault.key_id)
        return
    row = await tx.fetchrow(sql("staged_so_far"), batch_id)
    if row is None or row["state"] != BatchState.STAGING:
        raise StateConflict(f"batch {batch_id} was completed by another upload of the same file")
    staged = _Place.of(row)
    if staged.rows < here.rows:
        raise _another_file(batch_id)
    _check_same_file(batch_id, here, staged)


def _columns(core: Core, rows: Sequence[StagedRow]) -> tuple[object, ...]:
    rewards = [row.reward for row in rows]
    return (
        [row.row_no for row in rows],
        [row.reward_id or None for row in rows],
        [row.refusal.code.value if row.refusal else None for row in rows],
        [row.refusal.field if row.refusal else None for row in rows],
        [row.refusal.message if row.refusal else None for row in rows],
        [reward.campaign if reward else None for reward in rewards],
        [reward.player_id if reward else None for reward in rewards],
        [reward.asset if reward else None for reward in rewards],
        [reward.amount_minor if reward else None for reward in rewards],
        [reward.jurisdiction if reward else None for reward in rewards],
        [reward.destination.kind if reward else None for reward in rewards],
        [core.digest_destination(reward.destination) if reward else None for reward in rewards],
        [core.digest_content(reward) if reward else None for reward in rewards],
    )


def _sealed(core: Core, rows: Sequence[StagedRow], salts: Mapping[str, bytes]) -> list[bytes | None]:
    rewards = [row.reward for row in rows]
    taken = [reward for reward in rewards if reward]
    sealed = iter(core.seal_destinations((one.destination for one in taken), [salts[one.player_id] for one in taken]))
    return [next(sealed) if reward else None for reward in rewards]


def rules_digest(rules: RowRules) -> bytes:
    """SHA-256 (32 bytes) of the rules rows are judged by; equal in every process, which the order of a set is not."""
    said = (
        sorted((name, sorted(allowed)) for name, allowed in rules.campaigns.items()),
        sorted((asset.code, asset.exponent, asset.redeemable) for asset in rules.assets.values()),
        sorted((name, kind.parser, sorted(kind.assets)) for name, kind in rules.kinds.items()),
        rules.max_field_length,
        rules.network,
    )
    return hashlib.sha256(repr(said).encode()).digest()


def _content_digest(core: Core, file_format: FileFormat, file_digest: bytes) -> bytes:
    rules = rules_digest(core.config.row_rules())
    return hashlib.sha256(b"\x1f".join((file_format.value.encode(), file_digest, rules))).digest()


async def _finish(core: Core, batch_id: UUID, end: _Place, content_digest: bytes) -> Batch:
    """Close the staging, or give way to the batch that holds the same bytes already."""
    try:
        async with core.database.transaction() as tx:
            finished = await tx.fetchval(sql("finish_staging"), batch_id, content_digest, end.rows, end.prefix_digest)
            row = await tx.fetchrow(sql("staged_so_far"), batch_id)
            if finished is not None:
                await tell(tx, batch_id, "batch.staged", finished, rows=end.rows)
            elif row is None or row["content_digest"] != content_digest:
                raise _another_file(batch_id)
    except asyncpg.UniqueViolationError:
        async with core.database.transaction() as tx:
            await tx.execute(sql("delete_batch_rows"), batch_id)
            maker = await tx.fetchval(sql("delete_batch"), batch_id)
            same = await tx.fetchval(sql("batch_by_content"), content_digest)
            if maker is not None:
                await tell(tx, batch_id, "batch.discarded", maker, same_as=str(same))
            batch_id = same
    return await read_batch(core, batch_id)


async def start(core: Core, batch_id: UUID, *, actor: str) -> Batch:
    """Let a batch become payouts. Workers (or `start_chunk`) do the work; starting again resumes, and takes up rows again
    that the pool could not bear. Raises `NotFound`, `StateConflict` while the file is not staged whole."""
    return await core.database.run(lambda tx: start_within(tx, batch_id, actor=actor))


async def start_within(tx: Connection, batch_id: UUID, *, actor: str) -> Batch:
    """`start` inside the caller's transaction."""
    begun = await tx.fetchval(sql("begin_start"), batch_id, actor)
    await tx.execute(sql("note_batch_totals"), batch_id)
    batch = await _read_batch(tx, batch_id)
    if begun is None:
        raise StateConflict(
            f"batch {batch_id} is {batch.state.value}: send its file again to complete it, then start it"
        )
    await tell(tx, batch_id, "batch.started", actor, rows=batch.rows_staged)
    return batch


async def start_chunk(core: Core, batch_id: UUID | None = None, limit: int = START_CHUNK) -> int:
    """Make payouts of the next rows of one starting batch (any, if none is named); answers how many rows it took."""
    return await core.database.run(lambda tx: _start_chunk(core, tx, batch_id, limit))


async def _start_chunk(core: Core, tx: Connection, batch_id: UUID | None, limit: int) -> int:
    batch = await tx.fetchrow(sql("next_batch_to_start"), batch_id)
    if batch is None:
        return 0
    await tx.execute(sql("writing_for_players"))
    rows = await tx.fetch(sql("rows_to_start"), batch["id"], batch["started_to"], limit)
    if rows:
        asked = [_request(core, batch["id"], row) for row in rows]
        wanted = [request for request in asked if isinstance(request, PayoutRequest)]
        results = iter(await request_within(core, tx, wanted, batch["started_by"]))
        answers = [next(results) if isinstance(one, PayoutRequest) else one for one in asked]
        await _store_answers(tx, batch["id"], rows, answers)
    done = len(rows) < limit
    reached = rows[-1]["row_no"] if rows else batch["started_to"]
    await tx.execute(
        sql("advance_start"), batch["id"], reached, (BatchState.STARTED if done else BatchState.STARTING).value
    )
    return len(rows)


def _request(core: Core, batch_id: UUID, row: asyncpg.Record) -> PayoutRequest | RequestResult:
    """The request a staged row makes; a refusal when its player was erased, or the row altered, since."""
    sealed = (row["destination_ciphertext"], row["destination_key_id"])
    try:
        destination = core.open_destination(*sealed, row["salt"])
    except DataErased as erased:
        return RequestResult(verdict=RequestVerdict.REFUSED, code=erased.code, message=erased.message)
    if not is_as_asked(core, row, destination):
        code = ErrorCode.CONTENT_ALTERED
        return RequestResult(
            verdict=RequestVerdict.REFUSED, code=code, message="the row was altered after it was staged"
        )
    return PayoutRequest(
        campaign=row["campaign"],
        reward_id=row["reward_id"],
        player_id=row["player_id"],
        asset=row["asset"],
        amount_minor=row["amount"],
        jurisdiction=row["jurisdiction"],
        destination_kind=row["destination_kind"],
        destination=destination,
        sealed=sealed if sealed[1] == core.vault.key_id else None,
        destination_digest=row["destination_digest"],
        address_digest=core.digest_address(destination),
        recipient_digest=core.digest_recipient(destination),
        content_digest=row["content_digest"],
        batch_id=batch_id,
    )


async def _store_answers(
    tx: Connection, batch_id: UUID, rows: Sequence[asyncpg.Record], results: Sequence[RequestResult]
) -> None:
    refused = RequestVerdict.REFUSED
    await tx.execute(
        sql("answer_rows"),
        batch_id,
        [row["row_no"] for row in rows],
        [result.verdict.value for result in results],
        [result.payout_id if result.verdict is not refused else None for result in results],
        [result.code.value if result.code else None for result in results],
        [result.message or None for result in results],
    )


async def read_batch(core: Core, batch_id: UUID) -> Batch:
    """One batch. Raises `NotFound`."""
    async with core.database.reading() as connection:
        return await _read_batch(connection, batch_id)


async def _read_batch(connection: Connection, batch_id: UUID) -> Batch:
    row = await connection.fetchrow(sql("read_batch"), batch_id)
    if row is None:
        raise NotFound(f"there is no batch {batch_id}")
    return _batch(row)


async def list_batches(
    core: Core, *, before: UUID | None = None, limit: int = 50, created_by: str | None = None
) -> list[Batch]:
    """Batches, newest first; of one maker, or all."""
    async with core.database.reading() as connection:
        return [_batch(row) for row in await connection.fetch(sql("list_batches"), before, limit, created_by)]


async def totals(core: Core, batch_id: UUID) -> BatchTotals:
    """A batch by verdict, code and asset, and its payouts by state."""
    async with core.database.reading() as connection:
        lines = await connection.fetch(sql("batch_totals"), batch_id)
        payouts = await connection.fetch(sql("batch_payouts_by_state"), batch_id)
    return BatchTotals(
        lines=tuple(
            BatchLine(
                verdict=RequestVerdict(row["verdict"]),
                code=row["code"],
                asset=row["asset"],
                rows=row["rows"],
                amount_minor=row["amount"],
                payouts=row["payouts"],
            )
            for row in lines
        ),
        payouts=tuple(
            BatchPayouts(state=row["state"], asset=row["asset"], payouts=row["payouts"], amount_minor=row["amount"])
            for row in payouts
        ),
    )


async def report(core: Core, batch_id: UUID, *, after_row: int = 0, limit: int = 1000) -> list[BatchRow]:
    """The next rows of a batch's report, in file order."""
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("batch_rows"), batch_id, after_row, limit)
    return [
        BatchRow(
            row_no=row["row_no"],
            reward_id=row["reward_id"],
            verdict=RequestVerdict(row["verdict"]),
            code=row["code"],
            field=row["field"],
            message=row["message"],
            payout_id=row["payout_id"],
            asset=row["asset"],
            amount_minor=row["amount"],
            state=row["state"],
            payout_code=row["payout_code"],
        )
        for row in rows
    ]


def _batch(row: asyncpg.Record) -> Batch:
    return Batch(
        id=row["id"],
        name=row["name"],
        format=FileFormat(row["format"]),
        state=BatchState(row["state"]),
        rows_staged=row["rows_staged"],
        bytes_staged=row["bytes_staged"],
        started_to=row["started_to"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        started_by=row["started_by"],
    )
