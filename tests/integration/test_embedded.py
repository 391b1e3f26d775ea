"""The embedded server: shared by processes, stopped by the last one, and started again after any of them was killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psycopg
import pytest

from rewardrails.store import postgres_programs
from rewardrails.store.embedded import EmbeddedPostgres
from rewardrails.store.postgres_programs import DatabaseUnavailable
from tests.support.database import DEBIAN_15

OWNER = str(Path(__file__).parents[1] / "support" / "postgres_owner.py")
PATIENCE_SECONDS = 20


async def test_a_new_folder_becomes_a_server_that_never_forgets(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path / "pg") as server:
        server.ensure_database("rewardrails")
        connection = await asyncpg.connect(server.dsn("rewardrails"))
        settings = {
            name: await connection.fetchval("SELECT current_setting($1)", name)
            for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums", "listen_addresses")
        }
        await connection.close()

    assert settings == {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "listen_addresses": "",
    }


def test_data_outlive_the_server(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path / "pg") as server:
        server.ensure_database("rewardrails")
        _write(server.dsn("rewardrails"))

    with EmbeddedPostgres.start(tmp_path / "pg") as server:
        server.ensure_database("rewardrails")
        assert _read(server.dsn("rewardrails")) == 1


def test_the_last_to_leave_stops_the_server(tmp_path: Path) -> None:
    first = EmbeddedPostgres.start(tmp_path / "pg")
    second = EmbeddedPostgres.start(tmp_path / "pg")
    pid = _postmaster(tmp_path / "pg")

    first.stop()
    assert _answers(second.dsn("postgres"))
    second.stop()

    assert _gone(pid)


def test_stopping_twice_is_stopping_once(tmp_path: Path) -> None:
    first = EmbeddedPostgres.start(tmp_path / "pg")
    with EmbeddedPostgres.start(tmp_path / "pg") as second:
        first.stop()
        first.stop()

        assert _answers(second.dsn("postgres"))


def test_another_process_joins_and_leaves_a_running_server(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path / "pg") as server:
        with _owner(tmp_path / "pg") as (owner, dsn):
            _write(dsn)
            _close(owner)

        assert _read(server.dsn("rewardrails")) == 1


def test_a_server_outlives_the_process_that_started_it_while_another_stays(tmp_path: Path) -> None:
    with _owner(tmp_path / "pg") as (owner, _):
        server = EmbeddedPostgres.start(tmp_path / "pg")
        _close(owner)

    assert _answers(server.dsn("postgres"))
    server.stop()


@pytest.mark.promise("G8")
def test_after_kill_9_of_the_owner_the_next_one_takes_over_and_stops_it(tmp_path: Path) -> None:
    with _owner(tmp_path / "pg") as (owner, dsn):
        _write(dsn)
        owner.kill()
        owner.wait(PATIENCE_SECONDS)
    pid = _postmaster(tmp_path / "pg")

    with EmbeddedPostgres.start(tmp_path / "pg") as server:
        assert _read(server.dsn("rewardrails")) == 1

    assert _gone(pid)


@pytest.mark.promise("G8")
def test_after_kill_9_of_the_server_the_next_start_recovers(tmp_path: Path) -> None:
    server = EmbeddedPostgres.start(tmp_path / "pg")
    server.ensure_database("rewardrails")
    _write(server.dsn("rewardrails"))
    os.kill(_postmaster(tmp_path / "pg"), signal.SIGKILL)

    again = EmbeddedPostgres.start(tmp_path / "pg")

    assert _read(again.dsn("rewardrails")) == 1
    server.stop()
    again.stop()


def test_leaving_a_server_that_was_killed_is_no_error(tmp_path: Path) -> None:
    server = EmbeddedPostgres.start(tmp_path / "pg")
    pid = _postmaster(tmp_path / "pg")
    os.kill(pid, signal.SIGKILL)
    assert _gone(pid)

    server.stop()


def test_a_pid_file_whose_number_another_program_has_is_no_obstacle(tmp_path: Path) -> None:
    """After a reboot the old number may belong to anyone; here it is this test's own."""
    with EmbeddedPostgres.start(tmp_path / "pg") as server:
        socket_lock = _socket(server).with_name(".s.PGSQL.5432.lock")
        pid_file, lock = _pid_file(tmp_path / "pg").read_text(), socket_lock.read_text()
    mine, old = str(os.getpid()), pid_file.splitlines()[0]
    _pid_file(tmp_path / "pg").write_text(pid_file.replace(old, mine, 1))
    socket_lock.write_text(lock.replace(old, mine, 1))

    with EmbeddedPostgres.start(tmp_path / "pg") as server:
        assert _answers(server.dsn("postgres"))


def test_a_half_made_data_folder_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "pg" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    with EmbeddedPostgres.start(tmp_path / "pg") as server:
        assert _answers(server.dsn("postgres"))


@pytest.mark.parametrize("name", ["deep/" * 40 + "pg", 'a name\'s, "odd" & $(exit 1) späced'])
async def test_a_path_that_no_socket_can_have_still_works(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    with EmbeddedPostgres.start(folder) as server, EmbeddedPostgres.start(folder) as joined:
        assert joined.dsn("postgres") == server.dsn("postgres")
        assert _socket(server).parent != folder
        assert _socket(server).parent.stat().st_mode & 0o077 == 0
        connection = await asyncpg.connect(server.dsn("postgres"))
        await connection.close()


def test_many_processes_start_a_new_folder_at_once(tmp_path: Path) -> None:
    commands = [_command(tmp_path / "pg") for _ in range(4)]
    owners = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for command in commands
    ]

    said = [owner.communicate(timeout=60)[0] for owner in owners]

    assert all("DSN postgresql://" in text for text in said)
    assert not _pid_file(tmp_path / "pg").exists()


def test_removing_the_folder_under_a_server_is_no_error(tmp_path: Path) -> None:
    server = EmbeddedPostgres.start(tmp_path / "pg")
    pid = _postmaster(tmp_path / "pg")
    (tmp_path / "pg").rename(tmp_path / "gone")

    server.stop()

    os.kill(pid, signal.SIGINT)
    assert _gone(pid)


def test_the_systems_own_server_serves_where_there_is_no_wheel(tmp_path: Path) -> None:
    if not (DEBIAN_15 / "initdb").exists():
        pytest.skip(f"no PostgreSQL 15 in {DEBIAN_15}: apt-get install postgresql-15")
    with EmbeddedPostgres.start(tmp_path / "pg", binaries=DEBIAN_15) as server:
        assert server.version == 15

    with EmbeddedPostgres.start(tmp_path / "pg") as again:
        assert again.version == 15, "data belong to the version that made them"


def test_without_any_server_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_programs, "_folders", lambda: iter(()))

    with pytest.raises(DatabaseUnavailable, match="set DATABASE_URL"):
        EmbeddedPostgres.start(tmp_path / "pg")


def test_where_no_data_can_be_made_the_error_says_what_to_do(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in {
        "postgres": "echo 'postgres (PostgreSQL) 18.0'",
        "initdb": "echo 'no such user' >&2; false",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)

    with pytest.raises(DatabaseUnavailable, match=r"no such user.*set DATABASE_URL"):
        EmbeddedPostgres.start(tmp_path / "pg", binaries=programs)

    assert not (tmp_path / "pg" / "data").exists()


def test_data_of_a_version_that_is_not_here_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pg" / "data").mkdir(parents=True)
    (tmp_path / "pg" / "data" / "PG_VERSION").write_text("9\n")

    with pytest.raises(DatabaseUnavailable, match="PostgreSQL 9, which made the data"):
        EmbeddedPostgres.start(tmp_path / "pg")


@contextmanager
def _owner(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that stays at the server in `folder`, and the DSN it was given."""
    with subprocess.Popen(_command(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        dsn = next(line.split()[1] for line in owner.stdout if line.startswith("DSN "))
        yield owner, dsn


def _command(folder: Path) -> list[str]:
    return [sys.executable, OWNER, str(folder)]


def _close(owner: subprocess.Popen[str]) -> None:
    assert owner.stdin is not None
    owner.stdin.close()
    assert owner.wait(PATIENCE_SECONDS) == 0


def _write(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")


def _read(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT number FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def _answers(dsn: str) -> bool:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def _socket(server: EmbeddedPostgres) -> Path:
    with psycopg.connect(server.dsn("postgres")) as connection:
        return Path(connection.info.host) / ".s.PGSQL.5432"


def _pid_file(folder: Path) -> Path:
    return folder / "data" / "postmaster.pid"


def _postmaster(folder: Path) -> int:
    return int(_pid_file(folder).read_text().splitlines()[0])


def _gone(pid: int) -> bool:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        if not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return True
        time.sleep(0.05)
    return False
