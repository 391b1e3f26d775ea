"""docs/trials.json: how often each marked test has tried, and not failed.

Per test: `cases` (functions run, parameters counted), `trials` (independent tries it told of in its last run; 0 for a
test that tries nothing at random) and `total` (the same over all recorded runs since it last failed).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

PATH = Path("docs/trials.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What is on record of one test."""

    cases: int = 0
    trials: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one test run saw of one test, over all its parameters."""

    cases: int
    trials: int
    has_failed: bool


def read(path: Path = PATH) -> dict[str, Tally]:
    """What is on record, by the test's address; nothing where nothing was recorded yet."""
    if not path.is_file():
        return {}
    return {node: Tally(**tally) for node, tally in json.loads(path.read_text(encoding="utf-8")).items()}


def merge(known: Mapping[str, Tally], runs: Mapping[str, Run]) -> dict[str, Tally]:
    """The record after a run: what failed begins again at nothing, what was not run stays."""
    return dict(known) | {node: _after(known.get(node, Tally()), run) for node, run in runs.items()}


def write(tallies: Mapping[str, Tally], path: Path = PATH) -> None:
    """Write the record, one line a test, so that a change of one is a line of a diff."""
    lines = [f"  {json.dumps(node)}: {json.dumps(asdict(tally))}" for node, tally in sorted(tallies.items())]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n" if lines else "{}\n", encoding="utf-8")


def _after(before: Tally, run: Run) -> Tally:
    if run.has_failed:
        return Tally()
    return Tally(cases=run.cases, trials=run.trials, total=before.total + run.trials)
