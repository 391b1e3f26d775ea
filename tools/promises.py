"""Write docs/promises.md and the "shown by" column of the incidents, or check them.

usage: python -m tools.promises [--check]

Both come from the marks of the tests (`@pytest.mark.promise("G1")`, `@pytest.mark.incident("I4")`) and from docs/trials.json,
which `pytest --record-trials` writes.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.proofs import pages, trials
from tools.proofs.known import DOES_NOT_APPLY_YET, INCIDENTS, PROMISES
from tools.proofs.marked import MarkedTest, marked_tests, test_names

ROOT = Path(__file__).parents[1]
_TEST_NAME = re.compile(r"`(test_\w+)`")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages; with `--check` write nothing and end with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="tools.promises", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; name what is wrong")
    options = parser.parse_args(arguments)
    tests = marked_tests(ROOT)
    rendered = render(ROOT, tests)
    wrong = list(faults(ROOT, tests))
    if options.check:
        wrong += [f"{path} is behind: run python -m tools.promises" for path in stale(ROOT, rendered)]
    else:
        for path in stale(ROOT, rendered):
            (ROOT / path).write_text(rendered[path], encoding="utf-8")
    print("".join(f"{fault}\n" for fault in wrong), end="", file=sys.stderr)  # noqa: T201 - a command's own words
    return 1 if wrong else 0


def render(root: Path, tests: Sequence[MarkedTest]) -> dict[Path, str]:
    """Every page by its path."""
    incidents = (root / pages.INCIDENTS_PAGE).read_text(encoding="utf-8")
    return {
        pages.PROMISES_PAGE: pages.promises_page(tests, trials.read(root / trials.PATH)),
        pages.INCIDENTS_PAGE: pages.incidents_page(incidents, tests),
    }


def stale(root: Path, rendered: dict[Path, str]) -> list[Path]:
    """Pages that are missing or say something else."""
    return [
        path
        for path, text in rendered.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]


def faults(root: Path, tests: Sequence[MarkedTest]) -> Iterator[str]:
    """What no page can put right: ids nobody knows, ids nobody shows, records and words of tests that are gone."""
    shown = {each for test in tests for each in test.promises | test.incidents}
    for test in tests:
        for unknown in sorted((test.promises | test.incidents) - PROMISES.keys() - set(INCIDENTS)):
            yield f"{test.node} is marked with {unknown}, which nobody knows"
    for each in (*PROMISES, *INCIDENTS):
        if each not in shown and each not in DOES_NOT_APPLY_YET:
            yield f"no test is marked with {each}"
        if each in shown and each in DOES_NOT_APPLY_YET:
            yield f"{each} has a test; take it out of DOES_NOT_APPLY_YET"
    rows = (root / pages.INCIDENTS_PAGE).read_text(encoding="utf-8")
    yield from (f"{pages.INCIDENTS_PAGE} has no row for {each}" for each in INCIDENTS if f"\n| {each} | " not in rows)
    for node in sorted(trials.read(root / trials.PATH).keys() - {test.node for test in tests}):
        yield f"{trials.PATH} has a record of {node}, which is gone or no longer marked"
    yield from _words_of_tests_gone(root)


def _words_of_tests_gone(root: Path) -> Iterator[str]:
    names = test_names(root)
    for page in sorted((root / "docs").rglob("*.md")):
        for named in sorted(set(_TEST_NAME.findall(page.read_text(encoding="utf-8"))) - names):
            yield f"{page.relative_to(root)} names {named}, which does not exist"


if __name__ == "__main__":
    sys.exit(main())
