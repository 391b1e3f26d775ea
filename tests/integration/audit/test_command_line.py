"""The log over the command line: verified, exported, and verified again by somebody who has nothing but the file."""

import json
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from rewardrails.events.checkpoint_store import FILE_NAME
from tests.support.command_line import CONFIG, CommandLine

pytestmark = pytest.mark.promise("G5")
PAGE = Path(__file__).parents[3] / "docs/reference/audit-log.md"


@pytest.fixture
def rr(database_dsn: str, tmp_path: Path) -> CommandLine:
    """A log of a few hundred events, sealed and signed by a worker that has gone."""
    rr = CommandLine(tmp_path, database_dsn)
    for _ in range(6):
        rr("pools", "fund", "season-eur", "1.00", "--source", "sponsor")
    with rr.running("worker"):
        pass
    return rr


def tamper(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(statement)


def test_a_whole_log_is_said_to_be_whole_and_to_where_it_is_signed(rr: CommandLine) -> None:
    said = rr("--json", "audit", "verify")

    assert said.code == 0
    assert said.json["fault"] is None
    assert said.json["events"] == said.json["signed_to"] >= 7
    assert "the log is whole" in rr("audit", "verify").out


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE event SET actor = 'nobody' WHERE position = 4", "position 4 is not what was sealed there"),
        ("DELETE FROM event WHERE position = 4", "position 4 is missing"),
        ("DELETE FROM event WHERE position > 4", "the end is gone"),
    ],
)
def test_a_changed_log_ends_with_1_and_says_where(
    rr: CommandLine, database_dsn: str, statement: str, words: str
) -> None:
    tamper(database_dsn, statement)

    said = rr("audit", "verify")
    deep = rr("doctor", "--deep")

    assert said.code == 1
    assert words in said.out
    assert words in deep.out


def test_an_export_is_verified_without_a_database_and_a_changed_one_is_not(rr: CommandLine, tmp_path: Path) -> None:
    assert rr("audit", "export", "log.ndjson").code == 0
    assert rr("audit", "export", "part.ndjson", "--from", 3, "--to", 5).code == 0
    key = rr("audit", "public-key").out.strip()
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    signed = ("--checkpoints", ".rewardrails/audit", "--public-key", key)

    whole = rr("--json", "audit", "verify", "--file", "log.ndjson", *signed, env=nowhere)
    part = rr("--json", "audit", "verify", "--file", "part.ndjson", env=nowhere)
    assert (whole.code, part.code) == (0, 0)
    assert whole.json["checkpoints"] >= 1
    assert part.json["events"] == 3
    assert whole.json["goes_on_to"] == 0

    lines = (tmp_path / "log.ndjson").read_text().splitlines(keepends=True)
    wrong = [
        lines[:-1],
        [*lines[:3], *lines[4:]],
        [*lines[:3], lines[4], lines[3], *lines[5:]],
        [*lines[:4], lines[4].replace('"done"', '"refused"'), *lines[5:]],
        [*lines, lines[-1]],
        [lines[0].replace('"position":0', '"position":1'), *lines[1:]],
        [*lines[:4], "{}\n", *lines[5:]],
        ["{}\n", *lines[1:]],
    ]
    for changed in wrong:
        (tmp_path / "changed.ndjson").write_text("".join(changed))
        assert rr("audit", "verify", "--file", "changed.ndjson", env=nowhere).code == 1


def test_an_export_cut_short_is_told_from_a_whole_one_by_the_checkpoints(rr: CommandLine, tmp_path: Path) -> None:
    rr("audit", "export", "log.ndjson")
    key = rr("audit", "public-key").out.strip()
    first, *events = (tmp_path / "log.ndjson").read_text().splitlines(keepends=True)
    last = json.loads(events[3])
    head = json.loads(first) | {"through": {"position": 4, "chain_hash": last["chain_hash"]}}
    (tmp_path / "cut.ndjson").write_text("".join([json.dumps(head) + "\n", *events[:4]]))

    said = rr("audit", "verify", "--file", "cut.ndjson", "--checkpoints", ".rewardrails/audit", "--public-key", key)

    assert said.code == 0
    assert "this part of the log is whole: 4 events" in said.out
    assert f"the log goes on to position {len(events)} at least" in said.out


def test_an_older_copy_of_the_checkpoints_vouches_for_its_part(
    rr: CommandLine, database_dsn: str, tmp_path: Path
) -> None:
    (tmp_path / "copy").mkdir()
    kept = (tmp_path / ".rewardrails/audit/checkpoints.ndjson").read_bytes()
    (tmp_path / "copy/checkpoints.ndjson").write_bytes(kept.splitlines(keepends=True)[0])
    key = rr("audit", "public-key").out.strip()
    tamper(
        database_dsn,
        "CREATE OR REPLACE FUNCTION rr_now() RETURNS timestamptz LANGUAGE sql STABLE"
        " AS $$ SELECT now() + interval '1 hour' $$",
    )

    said = rr("--json", "audit", "verify", "--checkpoints", "copy", "--public-key", key)

    assert (said.code, said.json["fault"]) == (0, None)


def test_an_export_is_private_and_overwrites_nothing(rr: CommandLine, tmp_path: Path) -> None:
    assert rr("audit", "export", "log.ndjson").code == 0
    assert (tmp_path / "log.ndjson").stat().st_mode & 0o777 == 0o600

    assert rr("audit", "export", "log.ndjson").code == 1
    assert rr("audit", "export", "beyond.ndjson", "--from", 100_000).code == 1
    assert not (tmp_path / "beyond.ndjson").exists()


def test_the_program_of_the_reference_page_says_the_same(rr: CommandLine, tmp_path: Path) -> None:
    program = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert program is not None
    rr("audit", "export", "log.ndjson")

    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-c", program[1], str(tmp_path / name)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    assert "whole to position" in run("log.ndjson").stdout
    lines = (tmp_path / "log.ndjson").read_text().splitlines(keepends=True)
    (tmp_path / "flipped.ndjson").write_text("".join(lines).replace('"sponsor\\"', '"grant\\"', 1))
    (tmp_path / "short.ndjson").write_text("".join(lines[:-1]))
    assert "does not fit at position" in run("flipped.ndjson").stderr
    assert "ends too early" in run("short.ndjson").stderr


def test_the_configured_key_and_folder_are_used(database_dsn: str, tmp_path: Path) -> None:
    pem = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], check=True, capture_output=True).stdout
    (tmp_path / "audit.pem").write_bytes(pem)
    rr = CommandLine(
        tmp_path, database_dsn, CONFIG + '\n[audit]\nsigning_key = "file:audit.pem"\ncheckpoints = "elsewhere"\n'
    )
    public = subprocess.run(
        ["openssl", "pkey", "-pubout", "-outform", "DER"], input=pem, check=True, capture_output=True
    ).stdout[-32:]

    with rr.running("worker"):
        pass

    assert rr("audit", "public-key").out.strip() == public.hex()
    (line,) = (tmp_path / "elsewhere" / FILE_NAME).read_text().splitlines()
    assert json.loads(line)["number"] == 1
    assert rr("--json", "audit", "verify").json["checkpoints"] == 1


def test_a_signing_key_that_is_none_stops_the_start(database_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "audit.pem").write_text("not a key")
    rr = CommandLine(tmp_path, database_dsn, CONFIG + '\n[audit]\nsigning_key = "file:audit.pem"\n')

    said = rr("audit", "public-key")

    assert said.code == 3
    assert "not a key" not in said.err
