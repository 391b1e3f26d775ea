"""Bringing a database to the schema that this code knows."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Protocol

import psycopg
import sqlalchemy
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from rewardrails.errors import ConfigInvalid
from rewardrails.store.postgres_programs import DatabaseUnavailable

SCRIPTS = "rewardrails.store.migrations"
LOCK_KEY = 0x7265776172647261  # "rewardra": one migration of a database at a time
LOCK_WAIT = "10min"
CONNECT_SECONDS = 30
TRIES = 5
_ALEMBIC = threading.Lock()  # it keeps its context in module globals
log = structlog.get_logger(__name__)


class DatabaseNewer(ConfigInvalid):
    """The database was migrated by a newer version of this program."""


class Operations(Protocol):
    """What `run_sql_file` needs of `alembic.op`."""

    def get_bind(self) -> sqlalchemy.Connection:
        """The migration's connection."""
        ...


def upgrade(dsn: str) -> None:
    """Bring the database to `head`, in one transaction; any number of processes may do so at once.

    Raises `DatabaseNewer`, having changed nothing, when the database is ahead of this code, and `DatabaseUnavailable`
    when it cannot be reached.
    """
    for attempt in range(1, TRIES + 1):
        try:
            with _ALEMBIC:
                _upgrade_once(dsn)
        except (DBAPIError, psycopg.Error) as error:
            # Roles belong to the whole server: migrations of two databases there may meet.
            if attempt == TRIES or not _is_collision(error):
                raise
            log.info("migration_again", attempt=attempt)
            time.sleep(0.1 * 2**attempt)
        else:
            return


def current(dsn: str) -> str | None:
    """The revision that the database is at; None when it was never migrated. Raises `DatabaseUnavailable`."""
    with _connected(dsn) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The newest revision that this code knows."""
    newest = _scripts().get_current_head()
    if newest is None:
        raise LookupError(f"{SCRIPTS} holds no revision")
    return newest


def run_sql_file(op: Operations, name: str) -> None:
    """Run every statement of `migrations/sql/<name>` on the migration's connection."""
    statements = resources.files(SCRIPTS).joinpath("sql", name).read_bytes()
    driver = op.get_bind().connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(f"migrations run through psycopg, not {type(driver).__name__}")
    driver.execute(statements)  # without parameters the server takes many statements at once


def _upgrade_once(dsn: str) -> None:
    config = _config()
    with _connected(dsn) as connection, connection.begin():
        connection.execute(sqlalchemy.text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
        connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        before = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in _scripts().walk_revisions()}
        if before is not None and before not in known:
            raise DatabaseNewer(
                f"the database is at revision {before}, which this version of the program does not know: "
                "install the version that made it, or a newer one"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        after = MigrationContext.configure(connection).get_current_revision()
    if after != before:
        log.info("database_migrated", before=before, after=after)


@contextmanager
def _connected(dsn: str) -> Iterator[sqlalchemy.Connection]:
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(dsn, connect_timeout=CONNECT_SECONDS, application_name="rewardrails-migrate"),
        poolclass=sqlalchemy.NullPool,
    )
    try:
        connection = engine.connect()
    except (DBAPIError, psycopg.Error) as error:
        raise DatabaseUnavailable(
            f"the database cannot be reached ({type(error).__name__}): check DATABASE_URL, and that the server runs"
        ) from error
    with connection:
        yield connection


def _is_collision(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(
        cause,
        psycopg.errors.UniqueViolation | psycopg.errors.DuplicateObject | psycopg.errors.DeadlockDetected,
    ) or (isinstance(cause, psycopg.errors.InternalError_) and "concurrently updated" in str(cause))


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    folder = Path(str(resources.files(SCRIPTS)))
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
