"""Where checkpoints are kept, outside the database: a folder, or whatever else keeps this protocol."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

from rewardrails.errors import ConfigInvalid
from rewardrails.events.checkpoint import Checkpoint
from rewardrails.store.file_locks import locked

FILE_NAME = "checkpoints.ndjson"
LOCK_NAME = ".lock"
TAIL_BYTES = 64 * 1024
READ_AT_ONCE = 1000


class CheckpointTaken(Exception):
    """Somebody else wrote the checkpoint of this number first: look again."""


class CheckpointStore(Protocol):
    """Keeps checkpoints and gives them back in order; an object store with locks (write once) can be one."""

    async def last(self) -> Checkpoint | None:
        """The newest one; None when there is none."""

    async def append(self, checkpoint: Checkpoint) -> None:
        """Keep one more, durable when this returns. Raises `CheckpointTaken` unless its number is the next one."""

    def read(self) -> AsyncIterator[Checkpoint]:
        """Every one, oldest first."""


class FolderStore:
    """One file of JSON lines that is only ever appended to, so that the file system may be told to allow no more.

    A line that a crash left unfinished is passed over: the next checkpoint is chained to the last whole one, and says so.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / FILE_NAME

    async def last(self) -> Checkpoint | None:
        """The newest one; None when there is none. Raises `ConfigInvalid` when there must be one and it cannot be read."""
        return await asyncio.to_thread(self._last)

    async def append(self, checkpoint: Checkpoint) -> None:
        """Append and flush to disk. Raises `CheckpointTaken`, `ConfigInvalid` when the folder cannot be written to."""
        await asyncio.to_thread(self._append, checkpoint)

    async def read(self) -> AsyncIterator[Checkpoint]:
        """Every whole one, oldest first."""
        lines = self._lines()
        while page := await asyncio.to_thread(_take, lines):
            for checkpoint in page:
                yield checkpoint

    def _last(self) -> Checkpoint | None:
        if not self._path.exists():
            return None
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            lines = file.read().split(b"\n")[:-1]  # what has no end of line is not whole
        found = next((one for one in map(Checkpoint.read, reversed(lines)) if one is not None), None)
        if found is None and size > TAIL_BYTES:
            raise ConfigInvalid(
                f"{self._path} ends in something else than checkpoints: keep it, and name another folder"
            )
        return found

    def _append(self, checkpoint: Checkpoint) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self.folder / LOCK_NAME):
                self._append_alone(checkpoint)
        except OSError as error:
            raise ConfigInvalid(
                f"checkpoints cannot be written to {self.folder} ({error.strerror}): make it writable, or name another one",
                field="audit.checkpoints",
            ) from error

    def _append_alone(self, checkpoint: Checkpoint) -> None:
        is_new = not self._path.exists()
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not _ends_whole(handle):
                _write(handle, b"\n")  # what lacked nothing but its end counts from now on
            last = self._last()
            if checkpoint.number != (last.number + 1 if last else 1):
                raise CheckpointTaken(checkpoint.number)
            _write(handle, checkpoint.line())
        finally:
            os.close(handle)
        if is_new:
            _flush_folder(self.folder)

    def _lines(self) -> Iterator[Checkpoint]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                found = Checkpoint.read(line) if line.endswith(b"\n") else None
                if found is not None:
                    yield found


async def after(store: CheckpointStore, number: int, limit: int) -> list[Checkpoint]:
    """At most `limit` checkpoints whose numbers follow `number`."""
    found: list[Checkpoint] = []
    async for checkpoint in store.read():
        if checkpoint.number > number:
            found.append(checkpoint)
        if len(found) == limit:
            break
    return found


def _take(lines: Iterator[Checkpoint]) -> list[Checkpoint]:
    return list(islice(lines, READ_AT_ONCE))


def _write(handle: int, data: bytes) -> None:
    if os.write(handle, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(handle)


def _ends_whole(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
