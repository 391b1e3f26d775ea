"""Receiving a batch's file from a caller that may break off and come again under the same key."""

from collections.abc import AsyncIterable
from dataclasses import dataclass
from uuid import UUID

from rewardrails.engine import batches
from rewardrails.engine.batches import Batch, BatchState
from rewardrails.engine.core import Core
from rewardrails.engine.idempotent import IdempotentCall, key_reused, once
from rewardrails.errors import FileInvalid, NotFound
from rewardrails.intake.reader import FileFormat
from rewardrails.store.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The batch that holds the file; `is_new` is false when it held the same bytes before."""

    batch: Batch
    is_new: bool


async def upload(
    core: Core, call: IdempotentCall, *, name: str, file_format: FileFormat, data: AsyncIterable[bytes]
) -> Received:
    """Stage a file under a caller's key: a new batch, or the one that the key began, or the one with the same bytes.

    A file that cannot be read leaves no batch behind. Raises `FileInvalid`, `IdempotencyKeyReused` when the key has
    staged another file whole.
    """

    async def opened(tx: Connection) -> tuple[int, bytes]:
        made = await batches.open_batch_within(tx, name=name, file_format=file_format, actor=call.client)
        return 0, made.bytes

    begun = await once(core.database, call, opened)
    earlier = await _earlier(core, UUID(bytes=begun.body)) if begun.replayed else None
    if begun.replayed and (earlier is None or earlier.state is not BatchState.STAGING):
        target = await batches.open_batch(core, name=name, file_format=file_format, actor=call.client)
    else:
        target = UUID(bytes=begun.body)
    try:
        batch = await batches.stage(core, target, data)
    except FileInvalid:
        if earlier is None or earlier.id != target:
            await batches.discard(core, target)
        raise
    if earlier is not None and earlier.state is not BatchState.STAGING and batch.id != earlier.id:
        raise key_reused(call.key)
    return Received(batch=batch, is_new=batch.id == target)


async def _earlier(core: Core, batch_id: UUID) -> Batch | None:
    try:
        return await batches.read_batch(core, batch_id)
    except NotFound:
        return None
