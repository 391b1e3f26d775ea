"""Reconciliation and bank files as people run them, and what the doctor and the figures say of what was found."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from rewardrails.observability import metrics
from tests.integration.reconcile.behind import AT_ONCE, pay_behind
from tests.support.bank import OURS, Booked, camt053
from tests.support.command_line import CommandLine
from tests.support.stage import Stage, on_stage

CONFIG = f"""
environment = "test"
[assets.EUR]
exponent = 2
redeemable = true
[destination_kinds.iban]
parser = "iban"
assets = ["EUR"]
[pools.season]
asset = "EUR"
[campaigns.season]
jurisdictions = ["DE"]
pools = {{ EUR = "season" }}
[providers.bank]
type = "manual"
adapter = "manual"
enabled = true
[providers.bank.settings.bank_file]
name = "Games Ltd"
iban = "{OURS}"
[[routes]]
destination_kind = "iban"
provider = "bank"
"""


@pytest.fixture
def line(tmp_path: Path, database_dsn: str) -> CommandLine:
    return CommandLine(tmp_path, database_dsn, CONFIG)


def test_a_statement_is_held_against_the_queue_and_closed_by_a_person(line: CommandLine, tmp_path: Path) -> None:
    statement = tmp_path / "statement.xml"
    statement.write_bytes(camt053(Booked(reference="", amount="3.00", day="2026-03-02")))

    found = line("--json", "reconcile", "bank", "--file", str(statement))
    assert (found.code, found.json["opened"]) == (1, 1), found.err
    again = line("--json", "reconcile", "bank", "--file", str(statement))
    assert (again.code, again.json["opened"]) == (0, 0)

    (listed,) = line("--json", "findings", "list").json
    shown = line("--json", "findings", "show", listed["id"]).json
    assert (shown["finding"]["kind"], shown["suggestions"]) == ("not_ours", [])
    for words in (["findings", "list"], ["findings", "show", listed["id"]], ["findings", "runs"]):
        assert line(*words).code == 0
    closed = line("--json", "findings", "close", listed["id"], "--reason", "the rent")
    assert closed.json["reason"] == "the rent"
    assert line("--json", "findings", "list").json == []
    assert [run["state"] for run in line("--json", "findings", "runs").json] == ["done", "done"]


def test_a_file_and_a_time_are_not_given_together(line: CommandLine, tmp_path: Path) -> None:
    refused = line("--json", "reconcile", "bank", "--file", str(tmp_path / "x"), "--from", "2026-01-01")

    assert (refused.code, "[field_invalid]" in refused.err) == (1, True)
    assert "[file_invalid]" in line("--json", "reconcile", "bank", "--file", str(tmp_path / "x")).err
    assert "[state_conflict]" in line("--json", "reconcile", "bank").err


def test_an_empty_queue_leaves_no_bank_file(line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "queue.xml"

    answer = line("--json", "manual", "bank-file", "bank", str(file))

    assert (answer.code, answer.json["payouts"], file.exists()) == (0, 0, False), answer.err
    file.write_text("here already")
    assert "[file_invalid]" in line("--json", "manual", "bank-file", "bank", str(file)).err
    assert file.read_text() == "here already"
    assert "[not_found]" in line("--json", "manual", "bank-file", "gone", str(tmp_path / "other.xml")).err
    assert not (tmp_path / "other.xml").exists()


async def test_the_doctor_and_the_figures_tell_of_what_is_open(tmp_path, database_dsn) -> None:
    async with on_stage(tmp_path, database_dsn, AT_ONCE) as stage:
        await pay_behind(stage, key="somebody", reference="invoice 7")
        found = await run(stage, "reconcile", "one")
        assert found["opened"] == 1

        told = (await metrics.exposition(stage.core.database)).decode()
        assert 'rewardrails_findings_open{kind="not_ours",provider="one"} 1.0' in told
        assert 'rewardrails_reconciled_seconds{provider="one"}' in told
        findings = await run(stage, "doctor")
        assert [one["level"] for one in findings if one["about"] == "reconciliation one"] == ["problem"]


async def run(stage: Stage, *words: str) -> object:
    """A command as a process of its own, against the stage's engine."""
    where = ("--json", "--config", str(stage.config), "--folder", str(stage.folder))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rewardrails.cli", *where, *words),
        env={**os.environ, "DATABASE_URL": stage.dsn},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert out, err.decode()
    return json.loads(out)
