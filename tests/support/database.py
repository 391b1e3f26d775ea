"""Throw-away databases on a real server: each a copy of one migrated template."""

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from rewardrails.store import migrate
from rewardrails.store.embedded import EmbeddedPostgres

URL_VARIABLE = "TEST_DATABASE_URL"
FOLDER_VARIABLE = "REWARDRAILS_TEST_FOLDER"
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
# The data die with the tests, so nothing needs to reach the disk.
FAST_AND_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
MEMORY, ENOUGH_BYTES = Path("/dev/shm"), 4 * 1024**3
TEMPLATE_LOCK = 0x74656D706C617465


class Server:
    """A PostgreSQL server on which tests may make and drop databases."""

    def __init__(self, admin_dsn: str) -> None:
        self._admin_dsn = admin_dsn

    def dsn(self, database: str) -> str:
        return urlunsplit(urlsplit(self._admin_dsn)._replace(path=f"/{quote(database)}"))

    @contextmanager
    def fresh_database(self, *, migrated: bool = True) -> Iterator[str]:
        """The DSN of a new database, dropped at the end together with whatever is still connected to it."""
        name = f"rr_test_{uuid.uuid4().hex}"
        source = self._template() if migrated else "template0"
        with self._admin() as admin:
            # Half the time of the default strategy: 17 ms instead of 36.
            command = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
            admin.execute(command.format(sql.Identifier(name), sql.Identifier(source)))
        try:
            yield self.dsn(name)
        finally:
            with self._admin() as admin:
                _drop(admin, name)

    def _template(self) -> str:
        """The name of the migrated template of these very migrations, made by whichever process comes first."""
        name = f"rr_template_{_digest_of_migrations()}"
        with self._admin() as admin:
            admin.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
            if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                unfinished = f"{name}_new"
                _drop(admin, unfinished)
                admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(unfinished)))
                migrate.upgrade(self.dsn(unfinished))
                admin.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(name))
                )
        return name

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(self._admin_dsn, autocommit=True, connect_timeout=10)


@contextmanager
def running_server(*, binaries: Path | None = None) -> Iterator[Server]:
    """The session's server, started by the first of the test processes and stopped by the last."""
    url = os.environ.get(URL_VARIABLE)
    if url and binaries is None:
        yield Server(url)
        return
    folder = Path(os.environ[FOLDER_VARIABLE]) / ("pg" if binaries is None else "pg-other")
    with EmbeddedPostgres.start(folder, binaries=binaries, settings=FAST_AND_FORGETFUL) as postgres:
        yield Server(postgres.dsn("postgres"))


def open_session_folder() -> None:
    """Name the folder that all processes of this test session share; called in the first of them."""
    os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix="rr-test-", dir=_in_memory())


def _in_memory() -> Path | None:
    """Where files are memory, if there is room: thousands of databases are made and dropped, and disks hate that."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ENOUGH_BYTES:
        return None
    return MEMORY


def close_session_folder() -> None:
    """Remove the folder, and stop servers that killed test processes left behind."""
    folder = Path(os.environ.pop(FOLDER_VARIABLE))
    for data in folder.glob("*/data/postmaster.pid"):
        binaries = DEBIAN_15 if data.parents[1].name == "pg-other" else None
        EmbeddedPostgres.start(data.parents[1], binaries=binaries).stop()
    shutil.rmtree(folder)


def _digest_of_migrations() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(str(resources.files(migrate.SCRIPTS))).rglob("*")):
        if path.suffix in {".py", ".sql"}:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
