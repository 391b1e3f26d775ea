"""Take each guard away in a copy and see which tests notice; write docs/explanation/mutations.md.

usage: python -m tools.mutations [--check] [NAME ...]

A NAME is part of a mutation's name. `--check` runs no test: every text to replace must still be there, and the page must
have a row with red tests for every mutation.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.mutations import page
from tools.mutations.catalogue import MUTATIONS, Mutation
from tools.mutations.scratch import Scratch, Verdict, problems, scratch

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutations; 1 when one stayed green, cannot be applied, or a test is red without any."""
    parser = argparse.ArgumentParser(prog="tools.mutations", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="run nothing; see that each can be applied and was noticed"
    )
    parser.add_argument("names", nargs="*", help="parts of names; all by default")
    options = parser.parse_args(arguments)
    chosen = [one for one in MUTATIONS if not options.names or any(name in one.name for name in options.names)]
    wrong = [problem for mutation in chosen for problem in problems(ROOT, mutation)]
    if options.check:
        wrong += _without_row()
    elif not wrong:
        wrong += _run(chosen)
    for problem in wrong:
        _say(problem)
    return 1 if wrong else 0


def _run(chosen: Sequence[Mutation]) -> list[str]:
    """Run them one by one and write the page; answers what went wrong."""
    rows = page.read(ROOT / page.PAGE)
    verdicts: dict[str, Verdict] = {}
    with scratch(ROOT) as copy:
        whole = copy.test(sorted({test for mutation in chosen for test in mutation.tests}))
        _say(f"{whole.ran} tests on whole sources, {len(whole.red)} red")
        if whole.red or not whole.ended:
            return [f"red without any mutation: {', '.join(whole.red) or 'they never ended'}"]
        for mutation in chosen:
            verdicts[mutation.name] = _one(copy, mutation)
            (ROOT / page.PAGE).write_text(page.merge(MUTATIONS, rows, verdicts), encoding="utf-8")
    return [f"nothing noticed: {name}" for name, one in verdicts.items() if one.ended and not one.red]


def _one(copy: Scratch, mutation: Mutation) -> Verdict:
    with copy.broken(mutation.edits):
        verdict = copy.test(mutation.tests)
    _say(f"{mutation.name}: {len(verdict.red)} of {verdict.ran} red" if verdict.ended else f"{mutation.name}: no end")
    return verdict


def _without_row() -> Iterator[str]:
    rows = page.read(ROOT / page.PAGE)
    for mutation in MUTATIONS:
        row = rows.get(mutation.name, "")
        if not row or " | 0 | " in row:
            yield f"{page.PAGE} does not show that a test notices: {mutation.name}"


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)  # noqa: T201 - a command's own words


if __name__ == "__main__":
    sys.exit(main())
