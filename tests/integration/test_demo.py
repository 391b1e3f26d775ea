"""The demo as people run it: it must end well, go on where it was stopped, and leave no process behind."""

import asyncio
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from rewardrails import Config, FundingSource, PayoutState, Reward, RewardRails
from rewardrails.demo.reckoning import reckon
from rewardrails.demo.season_file import write_season
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from tests.support.command_line import CONFIG

ROWS = "60"


@pytest.fixture
def folder():
    # Not below pytest's own folder: as root the database runs under another account, which every other pytest that
    # starts on the machine shuts out of there.
    with tempfile.TemporaryDirectory(prefix="rr-demo-") as path:
        yield Path(path)


def command(folder):
    return [sys.executable, "-m", "rewardrails.demo", "--rows", ROWS, "--folder", str(folder)]


def run(folder):
    return subprocess.run(command(folder), check=False, capture_output=True, text=True, timeout=120)


def figure(output, name):
    found = re.search(rf"^\s*{re.escape(name)}\s+(.+?)\s*$", output, re.MULTILINE)
    assert found, output
    return found[1]


@pytest.mark.promise("G1", "G2", "G3")
def test_a_season_ends_well_and_a_second_run_pays_nothing(folder):
    first = run(folder)
    assert first.returncode == 0, first.stdout + first.stderr
    assert figure(first.stdout, "double pays (providers' journals, per reward)") == "0"
    assert figure(first.stdout, "losses") == "0"
    assert figure(first.stdout, "books balance") == "yes"
    accepted = figure(first.stdout, "accepted by the fake providers")
    second = run(folder)
    assert second.returncode == 0, second.stdout + second.stderr
    assert figure(second.stdout, "payouts in all").startswith("0 new")
    assert figure(second.stdout, "accepted by the fake providers") == accepted


@pytest.mark.promise("G1", "G2")
def test_a_stopped_run_leaves_no_process_behind_and_goes_on(folder):
    process = subprocess.Popen(
        command(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Whoever started the tests in the background may have had it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    for line in process.stdout:
        if line.startswith("staged"):
            break
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert processes_of(folder) == []
    again = run(folder)
    assert again.returncode == 0, again.stdout + again.stderr


async def test_what_a_provider_paid_twice_or_under_our_nose_is_found(folder, database_dsn):
    """The reckoning can fail: it believes the providers' journals, not our tables."""
    async with FakeProviderProcess(folder / "bank", arguments=["--mix", "settle=1"]) as bank:
        config = Config.parse(enabled(bank), env={"DATABASE_URL": database_dsn})
        async with RewardRails.open(config, folder=folder) as rails:
            await rails.fund("season-eur", "100.00", source=FundingSource.MANUAL_TEST)
            async with rails.run_worker():
                paid = (await rails.pay_one(reward("r1"))).payout_id
                await until_paid(rails, paid)
            waiting = (await rails.pay_one(reward("r2"))).payout_id
            batch = await rails.stage(write_season(folder, 1))
            right = await reckon(rails, batch.id, [bank.journal])
            assert (right.double_paid, right.paid_there_not_here, right.without_end) == ((), (), ("r2",))

            create(bank.journal, f"{paid.hex}-2", "po_again")
            create(bank.journal, f"{waiting.hex}-1", "po_unseen")
            wrong = await reckon(rails, batch.id, [bank.journal])
    assert not wrong.is_right
    assert (wrong.double_paid, wrong.paid_there_not_here) == (("r1",), ("r2",))


def test_a_longer_season_is_the_sample_again_under_other_ids(folder):
    lines = write_season(folder, 5000).read_bytes().splitlines()
    assert len(lines) > 5000
    assert sum(line.startswith(b"s7-00000000-") for line in lines) == 2
    assert write_season(folder, 5000).read_bytes().splitlines() == lines


def enabled(bank):
    text = CONFIG.replace('adapter = "fake"\n', 'adapter = "fake"\nenabled = true\n')
    for name in ("token", "webhook-secret"):
        text = text.replace("env:NOT_SET", f"file:{bank.folder / name}", 1)
    return text.replace("http://127.0.0.1:9", bank.url)


def reward(reward_id):
    return Reward(
        reward_id=reward_id,
        player_id="p",
        campaign="season",
        amount="10.00",
        asset="EUR",
        jurisdiction="DE",
        destination_kind="paypal_email",
        destination="p@example.org",
    )


async def until_paid(rails, payout_id):
    async with asyncio.timeout(20):
        while (await rails.get(payout_id)).payout.state is not PayoutState.PAID:  # noqa: ASYNC110 - another task works
            await asyncio.sleep(0.05)


def create(journal, reference, their_id):
    """Have the journal say that the provider paid once more."""
    lines = journal.read_text().splitlines()
    accepted = next(line for line in lines if '"record":"accepted"' in line)
    their_own = re.search(r'"id":"([^"]+)"', accepted)[1]
    accepted = re.sub(r'"reference":"[^"]+"', f'"reference":"{reference}"', accepted)
    moved = [line for line in lines if '"record":"moved"' in line and their_own in line]
    with journal.open("a") as file:
        file.writelines(f"{line.replace(their_own, their_id)}\n" for line in [accepted, *moved])


def processes_of(folder):
    """Command lines that name the folder; a server that is just going is waited for."""
    deadline = time.monotonic() + 5
    while found := [text for text in command_lines() if str(folder) in text]:
        if time.monotonic() > deadline:
            return found
        time.sleep(0.05)
    return []


def command_lines():
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return listed.splitlines()
