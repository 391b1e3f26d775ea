"""docs/explanation/mutations.md: which tests noticed what."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.mutations.catalogue import Mutation
from tools.mutations.scratch import ENOUGH_FAILURES, Verdict

PAGE = Path("docs/explanation/mutations.md")
NAMED = 3
_INTRO = """<!-- Made by `python -m tools.mutations`; edit tools/mutations/catalogue.py instead. -->

# Mutations

A test proves something only if it can fail. Each line takes one guard away, in a copy of the sources, runs a few test files
and tells which tests went red. One that nothing noticed would be a promise that nothing shows. `make mutations` does it again;
`make check` makes sure that every guard still stands where the mutation looks for it.

| guard taken away | in | red tests | among them |
| --- | --- | --- | --- |
"""


def read(page: Path) -> dict[str, str]:
    """Rows that are there already, by name, so that some mutations can be run alone."""
    if not page.is_file():
        return {}
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines if line.startswith("| ")}


def merge(mutations: Sequence[Mutation], rows: Mapping[str, str], verdicts: Mapping[str, Verdict]) -> str:
    """The page with the rows of mutations that were run, and the earlier ones of those that were not."""
    fresh = {name: _row(mutation, verdicts[name]) for mutation in mutations if (name := mutation.name) in verdicts}
    both = {**rows, **fresh}
    return _INTRO + "".join(both[mutation.name] for mutation in mutations if mutation.name in both)


def _row(mutation: Mutation, verdict: Verdict) -> str:
    files = ", ".join(dict.fromkeys(f"`{edit.path}`" for edit in mutation.edits))
    names = ", ".join(f"`{name}`" for name in verdict.red[:NAMED])
    more = " or more" if len(verdict.red) >= ENOUGH_FAILURES else ""
    count = f"{len(verdict.red)}{more}" if verdict.ended else "they never ended"
    return f"| {mutation.name} | {files} | {count} | {names} |\n"
