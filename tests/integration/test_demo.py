"""The demo as people run it: it must end well, go on where it was stopped, and leave no process behind."""

import os
import re
import signal
import subprocess
import sys
import time

ROWS = "150"


def command(folder, *more):
    return [sys.executable, "-m", "rewardrails.demo", "--rows", ROWS, "--folder", str(folder), *more]


def run(folder, *more):
    return subprocess.run(command(folder, *more), capture_output=True, text=True, timeout=120)


def figure(output, name):
    found = re.search(rf"^\s*{re.escape(name)}\s+(.+?)\s*$", output, re.MULTILINE)
    assert found, output
    return found[1]


def test_a_season_ends_well_and_a_second_run_pays_nothing(tmp_path):
    first = run(tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert figure(first.stdout, "double pays (providers' journals, per reward)") == "0"
    assert figure(first.stdout, "losses") == "0"
    assert figure(first.stdout, "books balance") == "yes"
    accepted = figure(first.stdout, "accepted by the fake providers")
    second = run(tmp_path)
    assert second.returncode == 0, second.stdout + second.stderr
    assert figure(second.stdout, "payouts").startswith("0 new")
    assert figure(second.stdout, "accepted by the fake providers") == accepted


def test_a_stopped_run_leaves_no_process_behind_and_goes_on(tmp_path):
    process = subprocess.Popen(command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if line.startswith("staged"):
            break
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert processes_of(tmp_path) == []
    again = run(tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr


def test_a_wrong_journal_is_found(tmp_path):
    """The reckoning can fail: a payout that the provider made twice is told, and ends with 1."""
    assert run(tmp_path).returncode == 0
    journal = tmp_path / "rails" / "ton" / "journal.jsonl"
    accepted = next(line for line in journal.read_text().splitlines() if '"record":"accepted"' in line)
    twice = re.sub(r'"id":"[^"]+"', '"id":"po_made_twice"', accepted)
    with journal.open("a") as file:
        file.write(twice + "\n")
    again = run(tmp_path)
    assert again.returncode == 1, again.stdout
    assert figure(again.stdout, "double pays (providers' journals, per reward)").startswith("1: ")


def processes_of(folder):
    """Command lines that name the folder; a server that is just going is waited for."""
    deadline = time.monotonic() + 5
    while found := [text for text in _command_lines() if str(folder) in text]:
        if time.monotonic() > deadline:
            return found
        time.sleep(0.05)
    return []


def _command_lines():
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if not line.startswith(("ps ", str(os.getpid())))]
