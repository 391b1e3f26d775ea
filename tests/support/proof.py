"""What a test proves, and how many trials it made: the raw material of docs/promises.md.

`@pytest.mark.promise("G1")` and `@pytest.mark.incident("I4")` name what a test shows. A test that tries many times tells
`trials(n)` how many; a test that does not counts as a case. `pytest --record-trials` keeps the numbers in docs/trials.json.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tools.proofs.trials import PATH, Run, merge, read, write

OPTION = "--record-trials"
TRIALS = "trials"
SHOWS = "shows"


@pytest.fixture
def trials(request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Tell how many independent trials this test made; called again, the numbers add up."""

    def told(count: int) -> None:
        request.node.user_properties.append((TRIALS, count))

    return told


def mark_properties(items: list[pytest.Item]) -> None:
    """Let the reports of marked tests say so; unlike marks, properties travel from the processes that run the tests."""
    for item in items:
        if any(item.iter_markers("promise")) or any(item.iter_markers("incident")):
            item.user_properties.append((SHOWS, _address(item)))


def _address(item: pytest.Item) -> str:
    """Where a test is counted: a test that a class inherits counts for the class, which is what stands in the file."""
    parts = item.nodeid.partition("[")[0].split("::")
    owner, function = getattr(item, "cls", None), getattr(item, "function", None)
    inherited = owner is not None and function is not None and function.__name__ not in vars(owner)
    return "::".join(parts[:-1] if inherited else parts)


@dataclass
class _Seen:
    shows: bool = False
    cases: int = 0
    trials: int = 0
    has_failed: bool = False


@dataclass
class Recorder:
    """Listens to the reports of one test run and merges them into docs/trials.json at its end."""

    config: pytest.Config
    seen: defaultdict[str, _Seen] = field(default_factory=lambda: defaultdict(_Seen))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told = dict(report.user_properties)
        # A process that crashed tells nothing but the name of the test it was at.
        seen = self.seen[str(told.get(SHOWS, report.nodeid.partition("[")[0]))]
        seen.has_failed |= report.failed
        seen.shows |= SHOWS in told
        if report.when == "call" and report.passed:
            seen.cases += 1
            seen.trials += sum(int(str(count)) for name, count in report.user_properties if name == TRIALS)

    def pytest_sessionfinish(self) -> None:
        path = self.config.rootpath / PATH
        known = read(path)
        runs = {
            node: Run(cases=seen.cases, trials=seen.trials, has_failed=seen.has_failed)
            for node, seen in self.seen.items()
            if (seen.shows or node in known) and (seen.cases or seen.has_failed)
        }
        write(merge(known, runs), path)
