"""pytest knows the provider contract: its numbers on the command line, and what was kept at the end of a run.

Loaded in every pytest session beside which RewardRails is installed, so it imports nothing but pytest until a test of the
contract is collected.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROPERTY = "rewardrails_contract"
SUITE = "rewardrails.testing.contract"

# Its asserts explain themselves only if this is said before it is imported.
pytest.register_assert_rewrite(SUITE)


@dataclass(slots=True)
class Account:
    """What one class of tests has shown: numbers that were kept and broken, and why others do not apply."""

    kept: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    not_applicable: dict[str, str] = field(default_factory=dict)


ACCOUNTS: pytest.StashKey[dict[str, Account]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--contract-report`."""
    parser.getgroup("rewardrails").addoption(
        "--contract-report", metavar="FILE", help="write which behaviours of the provider contract were kept, as JSON"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Open the accounts."""
    config.stash[ACCOUNTS] = {}
    config.pluginmanager.register(_Recorder(config.stash[ACCOUNTS]), "rewardrails-contract-recorder")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let `-k P-14` find a behaviour by its number, and carry the number into every report."""
    function = getattr(item, "function", None)
    if not getattr(function, "__module__", "").startswith(SUITE):
        return
    declared = getattr(function, "contract_behaviour", None)
    if declared is not None:
        item.extra_keyword_matches.add(declared.number)
        item.user_properties.append((PROPERTY, f"{declared.number} {declared.title}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One paragraph per adapter: how many behaviours it keeps, which it breaks, and why others do not apply."""
    accounts = config.stash[ACCOUNTS]
    if not accounts:
        return
    terminalreporter.section("provider contract")
    for subject, account in sorted(accounts.items()):
        for line in _lines(subject, account):
            terminalreporter.write_line(line, red="BROKEN" in line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report, where one is asked for; under xdist the controller does."""
    target = session.config.getoption("--contract-report")
    if target is None or hasattr(session.config, "workerinput"):
        return
    found = {
        subject: {
            "kept": _numbers(account.kept),
            "broken": _numbers(account.broken),
            "not_applicable": {entry.split()[0]: reason for entry, reason in account.not_applicable.items()},
        }
        for subject, account in session.config.stash[ACCOUNTS].items()
    }
    Path(target).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


class _Recorder:
    """Books every report of a behaviour."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        self._accounts = accounts

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A behaviour is kept when its test passed and nothing around it failed."""
        entry = dict(report.user_properties).get(PROPERTY)
        if not isinstance(entry, str):
            return
        account = self._accounts.setdefault(_subject(report.nodeid), Account())
        if report.failed:
            account.kept.discard(entry)
            account.broken.add(entry)
        elif report.skipped:
            account.not_applicable[entry] = _reason(report)
        elif report.when == "call":
            account.kept.add(entry)


def _subject(nodeid: str) -> str:
    """The class and, where there are several, the parameters of its fixtures."""
    place, _, test = nodeid.rpartition("::")
    _, bracket, parameters = test.partition("[")
    return f"{place}{bracket}{parameters}"


def _reason(report: pytest.TestReport) -> str:
    words = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return words.removeprefix("Skipped: ").removeprefix("does not apply: ")


def _lines(subject: str, account: Account) -> Iterator[str]:
    kept, broken, other = len(account.kept), len(account.broken), len(account.not_applicable)
    yield f"{subject}: {kept} kept, {broken} broken, {other} do not apply"
    yield from (f"  BROKEN {entry}" for entry in sorted(account.broken))
    for reason in sorted(set(account.not_applicable.values())):
        numbers = _numbers(entry for entry, why in account.not_applicable.items() if why == reason)
        yield f"  does not apply ({reason}): {' '.join(numbers)}"


def _numbers(entries: Iterable[str]) -> list[str]:
    return sorted(entry.split()[0] for entry in entries)
