"""Fixtures for every test: databases, and how many trials it made.

`database_dsn` is what most tests want. `TEST_DATABASE_URL` (a superuser's) names another server than the embedded one.
"""

from collections.abc import Iterator

import pytest

from tests.support import database, proof
from tests.support.database import Server
from tests.support.proof import trials

__all__ = ["trials"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(proof.OPTION, action="store_true", help="keep the numbers of trials in docs/trials.json")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        database.open_session_folder()
        if config.getoption(proof.OPTION):
            config.pluginmanager.register(proof.Recorder(config))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    proof.mark_properties(items)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        database.close_session_folder()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The one server of this test session."""
    with database.running_server() as server:
        yield server


@pytest.fixture(scope="session")
def oldest_postgres_server() -> Iterator[Server]:
    """Debian's PostgreSQL 15, the oldest version we promise."""
    if not (database.DEBIAN_15 / "initdb").exists():
        pytest.skip(f"no PostgreSQL 15 in {database.DEBIAN_15}: apt-get install postgresql-15")
    with database.running_server(binaries=database.DEBIAN_15) as server:
        yield server


@pytest.fixture
def database_dsn(postgres_server: Server) -> Iterator[str]:
    """A migrated database of this test's own."""
    with postgres_server.fresh_database() as dsn:
        yield dsn


@pytest.fixture
def empty_database_dsn(postgres_server: Server) -> Iterator[str]:
    """A database of this test's own that was never migrated."""
    with postgres_server.fresh_database(migrated=False) as dsn:
        yield dsn


@pytest.fixture
def postgres15_dsn(oldest_postgres_server: Server) -> Iterator[str]:
    """A migrated database of this test's own on the oldest version we promise."""
    with oldest_postgres_server.fresh_database() as dsn:
        yield dsn


@pytest.fixture(params=["default", "oldest"])
def each_database_dsn(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database on the default server, then one on the oldest version we promise."""
    server: Server = request.getfixturevalue(f"{'' if request.param == 'default' else 'oldest_'}postgres_server")
    with server.fresh_database() as dsn:
        yield dsn
