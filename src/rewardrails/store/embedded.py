"""A real PostgreSQL inside the working folder, for when none is configured.

Several processes may use one folder. Each holds a shared lock for as long as it stays, which the kernel drops even
after `kill -9`; whoever leaves last, stops the server. In the folder: `data/`, `log/`, `start.log`, two lock files and
the socket.
"""

import atexit
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Self
from urllib.parse import quote

import psycopg
import structlog
from psycopg import sql

from rewardrails.store.file_locks import Stay, locked
from rewardrails.store.postgres_folder import SOCKET_NAME, chown, postmaster, program_name, socket_folder
from rewardrails.store.postgres_programs import (
    HOW_TO_GO_ON,
    Account,
    DatabaseUnavailable,
    ProgramFailed,
    Programs,
    find_programs,
    let_through,
)

DEFAULT_FOLDER = Path(".rewardrails/pg")
SUPERUSER = "rewardrails"
SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        # The queue's tables change all the time: clean early, in small steps.
        "autovacuum_naptime": "10s",
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_vacuum_insert_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.02",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_directory": "../log",
        "log_filename": "postgresql-%a.log",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        # Details and statements may hold rows, and rows hold personal data.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }
)
READY_SECONDS = 300  # recovery after a crash reads up to max_wal_size
START_AGAIN_SECONDS = 10  # how long the remains of a killed server may stand in the way
STOP_SECONDS = 60
MARGIN_SECONDS = 10
CONNECT_SECONDS = 5
POLL_SECONDS = 0.1
log = structlog.get_logger(__name__)


class EmbeddedPostgres:
    """One process's stay at the server in one folder. Calls block; inside an event loop use `asyncio.to_thread`."""

    def __init__(self, folder: Path, programs: Programs, stay: Stay) -> None:
        """Use `start`."""
        self._folder = folder
        self._programs = programs
        self._stay: Stay | None = stay
        self._socket_folder = folder

    @classmethod
    def start(
        cls, folder: Path = DEFAULT_FOLDER, *, binaries: Path | None = None, settings: Mapping[str, str] = SETTINGS
    ) -> Self:
        """Start the server of `folder`, or join it when it runs; make its data when there are none.

        `binaries` names the folder of another PostgreSQL's programs; `settings` stand in postgresql.conf when this call
        is the one that starts the server. Raises `DatabaseUnavailable`.
        """
        folder = folder.absolute().resolve()
        _make_folder(folder)
        with locked(folder / "start.lock"):
            programs = find_programs(owner_of=folder, major=_data_major(folder), binaries=binaries)
            _hand_over(folder, programs.account)
            stay = Stay(folder / "users.lock")
            server = cls(folder, programs, stay)
            try:
                server._bring_up({**SETTINGS, **settings})
            except BaseException:
                stay.end()
                raise
        atexit.register(server.stop)
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def version(self) -> int:
        """The server's major version, such as 18."""
        return self._programs.major

    def dsn(self, database: str) -> str:
        """A connection string (libpq, psycopg, asyncpg) for `database`, as the cluster's owner, by Unix socket."""
        return f"postgresql://{SUPERUSER}@/{quote(database, safe='')}?host={quote(str(self._socket_folder))}"

    def ensure_database(self, name: str) -> None:
        """Make the database `name` unless it exists; safe when several processes do so at once."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Leave; the last to leave stops the server. A second call does nothing. Raises `DatabaseUnavailable`."""
        stay, self._stay = self._stay, None
        if stay is None:
            return
        atexit.unregister(self.stop)
        try:
            if self._folder.exists():  # a server whose folder was removed stops by itself
                with locked(self._folder / "start.lock"):
                    if stay.is_the_last():
                        self._shut_down()
        finally:
            stay.end()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _bring_up(self, settings: Mapping[str, str]) -> None:
        if not self._data.exists():
            self._initialise()
        if self._answers():
            return
        self._socket_folder = socket_folder(self._folder, self._programs.account)
        settings = {**settings, "unix_socket_directories": str(self._socket_folder)}
        config = self._data / "rewardrails.conf"
        config.write_text("".join(f"{name} = '{value}'\n" for name, value in settings.items()), encoding="utf-8")
        chown(config, self._programs.account)
        self._launch()
        log.info("database_started", folder=str(self._folder), version=self.version, socket=str(self._socket_folder))

    def _initialise(self) -> None:
        """Make the data folder under another name first, so that a half-made one is never taken for a whole one."""
        fresh = self._folder / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        arguments = ["--encoding=UTF8", "--no-locale", "--auth=trust", "--data-checksums", f"--username={SUPERUSER}"]
        try:
            self._programs.run("initdb", *arguments, "-D", str(fresh), timeout_seconds=READY_SECONDS)
        except ProgramFailed as error:
            raise DatabaseUnavailable(
                f"no database can be made in {self._folder} ({error.message}): correct that, {HOW_TO_GO_ON}"
            ) from error
        with (fresh / "postgresql.conf").open("a", encoding="utf-8") as config:
            config.write("\ninclude 'rewardrails.conf'\n")
        fresh.rename(self._data)

    def _launch(self) -> None:
        """Start the server; for a moment after a crash its orphans still hold its memory, so try again."""
        give_up = time.monotonic() + START_AGAIN_SECONDS
        while True:
            self._clear_reused_pid()
            try:
                self._control("start", "-l", "start.log", wait_seconds=READY_SECONDS)
            except ProgramFailed as error:
                if self._answers():
                    return
                if time.monotonic() > give_up:
                    raise DatabaseUnavailable(
                        f"the database in {self._folder} does not start ({error.message}); "
                        f"see start.log and log/ there, {HOW_TO_GO_ON}"
                    ) from error
                time.sleep(POLL_SECONDS)
            else:
                break
        if not self._answers():
            raise DatabaseUnavailable(f"the database in {self._folder} started but does not answer; see log/ there")

    def _shut_down(self) -> None:
        try:
            self._control("stop", "-m", "fast", wait_seconds=STOP_SECONDS)
        except ProgramFailed:
            if self._answers():
                raise
            log.warning("database_was_already_gone", folder=str(self._folder))
        else:
            if self._socket_folder != self._folder:
                self._socket_folder.rmdir()
            log.info("database_stopped", folder=str(self._folder))

    def _control(self, *arguments: str, wait_seconds: int) -> None:
        """Run pg_ctl inside the folder: it hands paths to a shell, so they are relative and plain."""
        timing = ("-w", "-s", "-t", str(wait_seconds))
        self._programs.run(
            "pg_ctl", *arguments, *timing, "-D", "data",
            inside=self._folder, timeout_seconds=wait_seconds + MARGIN_SECONDS,
        )  # fmt: skip

    def _answers(self) -> bool:
        """Whether the server runs and answers; learns where its socket is."""
        told = postmaster(self._data)
        if told is None:
            return False
        _, self._socket_folder = told
        try:
            psycopg.connect(self.dsn("postgres"), connect_timeout=CONNECT_SECONDS).close()
        except psycopg.OperationalError:
            return False
        return True

    def _clear_reused_pid(self) -> None:
        """Remove a dead server's pid file when its number now belongs to another program, as after a reboot."""
        told = postmaster(self._data)
        if told is None:
            return
        pid, socket = told
        if program_name(pid) not in {None, "postgres"}:
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            (socket / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(
            f"{folder} cannot be made ({error.strerror}): choose another folder, {HOW_TO_GO_ON}"
        ) from error


def _data_major(folder: Path) -> int | None:
    try:
        return int((folder / "data" / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return None


def _hand_over(folder: Path, account: Account | None) -> None:
    """Give the folder to the account that the server runs under, and let it through to there."""
    chown(folder, account)
    if account is not None:
        let_through(account, folder)
