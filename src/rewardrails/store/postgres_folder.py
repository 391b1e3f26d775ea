"""What lies around a server's data: its socket, its pid file, and whose they are."""

import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path

from rewardrails.store.postgres_programs import HOW_TO_GO_ON, Account, DatabaseUnavailable

SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES = 103  # the shortest limit among Linux (107) and macOS (103)
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+@-]+")


def chown(path: Path, account: Account | None) -> None:
    """Give `path` to the server's account; nothing to do when the server runs as we do."""
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def socket_folder(folder: Path, account: Account | None) -> Path:
    """The folder itself, unless its path is too long or too odd for a socket: then a private temporary one."""
    if _fits(folder):
        return folder
    name = f"rewardrails-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    roots = [root for root in (Path(tempfile.gettempdir()), Path("/tmp")) if _fits(root / name)]  # noqa: S108 - checked below
    if not roots:
        raise DatabaseUnavailable(f"no folder has a path short enough for a socket: set TMPDIR to one, {HOW_TO_GO_ON}")
    private = roots[0] / name
    owner = os.geteuid() if account is None else account.uid
    try:
        private.mkdir(mode=0o700)
        chown(private, account)
    except FileExistsError:
        status = private.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner or status.st_mode & 0o077:
            raise DatabaseUnavailable(f"{private} is not a private folder of ours: remove it, {HOW_TO_GO_ON}") from None
    return private


def postmaster(data: Path) -> tuple[int, Path] | None:
    """The process id and the socket's folder that the server wrote down; None when there is no readable file."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return int(lines[0]), Path(lines[4])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def program_name(pid: int) -> str | None:
    """The name of the program that runs as `pid`; None when none does, or it cannot be told."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _fits(folder: Path) -> bool:
    path = str(folder / SOCKET_NAME)
    return len(os.fsencode(path)) <= _SOCKET_PATH_BYTES and _PLAIN_PATH.fullmatch(path) is not None
