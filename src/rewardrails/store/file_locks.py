"""Locks between processes that share a folder; the kernel drops them when a process ends, however it ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rewardrails.store.postgres_programs import HOW_TO_GO_ON, DatabaseUnavailable

WAIT_SECONDS = 360  # longer than a start or a stop may take
POLL_SECONDS = 0.05


class Stay:
    """One process's presence in a folder, from construction to `end`."""

    def __init__(self, path: Path) -> None:
        self._handle = _open(path)
        fcntl.flock(self._handle, fcntl.LOCK_SH)

    def is_the_last(self) -> bool:
        """Whether nobody else stays; only to be believed while nobody can come, under a lock that arrivals take too."""
        return _take(self._handle)

    def end(self) -> None:
        """Leave."""
        os.close(self._handle)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` alone. Raises `DatabaseUnavailable` when another process holds it for too long."""
    handle = _open(path)
    try:
        give_up = time.monotonic() + WAIT_SECONDS
        while not _take(handle):
            if time.monotonic() > give_up:
                raise DatabaseUnavailable(
                    f"another process has held {path} for {WAIT_SECONDS} seconds; see what it does"
                )
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise DatabaseUnavailable(
            f"{path.parent} belongs to another user: run as that user, in another folder, {HOW_TO_GO_ON}"
        ) from error
    if os.geteuid() == 0:  # the folder's owner must be able to take it later
        owner = path.parent.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)
    return handle


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
