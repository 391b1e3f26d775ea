"""The fake provider's durable memory: one append-only file of JSON lines, written in groups.

Nothing is answered or told before the kernel has the record behind it, so the file is the truth after `kill -9`. It is
not synced to the disk: the machine of a test does not lose its power, and a sync would slow the database beside it.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct


class Accepted(Struct, frozen=True, kw_only=True, tag="accepted", tag_field="record"):
    """A creation that counts. `at` and all times are seconds since the epoch; money is in smallest units."""

    at: float
    id: str
    key: str
    batch: str
    digest: str
    reference: str
    amount_minor: int
    fee_minor: int
    asset: str
    kind: str
    value: str
    memo: str
    behaviour: str
    code: str


class Moved(Struct, frozen=True, kw_only=True, tag="moved", tag_field="record"):
    """A payout's status changed."""

    at: float
    id: str
    status: str
    code: str = ""


class Refused(Struct, frozen=True, kw_only=True, tag="refused", tag_field="record"):
    """A creation that was turned away; nothing left."""

    at: float
    key: str
    digest: str
    reference: str
    status: int
    code: str


class Noticed(Struct, frozen=True, kw_only=True, tag="noticed", tag_field="record"):
    """A webhook that must be delivered, from `due` on, exactly these bytes."""

    at: float
    due: float
    event: str
    body: str


class Delivered(Struct, frozen=True, kw_only=True, tag="delivered", tag_field="record"):
    """A webhook's receiver answered 2xx."""

    at: float
    event: str


class Disguised(Struct, frozen=True, kw_only=True, tag="disguised", tag_field="record"):
    """From now on this payout is shown with other data than the truth; empty strings leave it."""

    at: float
    id: str
    amount: str = ""
    destination: str = ""
    status: str = ""


Record = Accepted | Moved | Refused | Noticed | Delivered | Disguised

_DECODER = msgspec.json.Decoder(Record)
_ENCODER = msgspec.json.Encoder()
# Long enough to gather a crowd under load, short enough not to matter to one caller.
GATHER_SECONDS = 0.002


class Journal:
    """Appends records; `flushed()` waits until everything appended so far is in the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._buffer: list[bytes] = []
        self._gathering: asyncio.Future[None] | None = None
        self._running: asyncio.Task[None] | None = None

    def replay(self) -> Iterator[Record]:
        """Everything in the file, oldest first; a torn last line, which nobody was told of, is cut off."""
        whole = 0
        with self.path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                yield _DECODER.decode(line)
                whole += len(line)
        os.ftruncate(self._file, whole)

    def append(self, record: Record) -> asyncio.Future[None]:
        """Take a record; it is in the file once the answer is done, or a later `flushed()` returns."""
        self._buffer.append(_ENCODER.encode(record) + b"\n")
        if self._gathering is None:
            self._gathering = asyncio.get_running_loop().create_future()
        if self._running is None:
            self._running = asyncio.create_task(self._write_groups())
        return self._gathering

    async def flushed(self) -> None:
        """Wait for the group that holds the latest record."""
        if self._gathering is not None:
            await asyncio.shield(self._gathering)

    async def close(self) -> None:
        """Write what is left and close the file."""
        if self._running is not None:
            await self._running
        os.close(self._file)

    async def _write_groups(self) -> None:
        try:
            while self._gathering is not None:
                await asyncio.sleep(GATHER_SECONDS)
                lines, self._buffer = self._buffer, []
                group, self._gathering = self._gathering, None
                try:
                    self._write(b"".join(lines))
                except OSError as error:
                    group.set_exception(error)
                    raise
                group.set_result(None)
        finally:
            self._running = None

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
