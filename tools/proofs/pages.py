"""docs/promises.md, and the last column of docs/explanation/incidents.md."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tools.proofs.known import DOES_NOT_APPLY_YET, LIMITED, PROMISES, Promise
from tools.proofs.marked import MarkedTest
from tools.proofs.trials import Tally

PROMISES_PAGE = Path("docs/promises.md")
INCIDENTS_PAGE = Path("docs/explanation/incidents.md")
NAMED_AT_MOST = 6
_INTRO = """<!-- Made by `python -m tools.promises` from the tests' marks and docs/trials.json; edit those instead. -->

# Promises

What RewardRails promises, and which tests show it. Truth about payments is counted **outside**: the fake provider is a
process with a journal of its own, and double pays and losses are looked for there, never in our own tables. *Not yet* is
part of this page.

A test that tries many times says how many *trials* it made; with no failure in n independent ones, the true rate of failure
is at most 3/n at 95 % confidence, **for what those tests try** and for nothing else. The others are *cases*: each proves itself
alone. The numbers are those of the last recorded run (`make trials`, `make night`); a test that fails begins again at
nothing. Trials in all runs repeat the seeds that are fixed, so they bound nothing.

[What went wrong elsewhere](explanation/incidents.md) tells the same by incident, and
[mutations](explanation/mutations.md) which tests notice when a guard is taken away.

"""


def promises_page(tests: Sequence[MarkedTest], tallies: Mapping[str, Tally]) -> str:
    """The whole page."""
    shown = {each: [test for test in tests if each in test.promises] for each in PROMISES}
    overview = _table(
        ("promise", "tests", "trials, quick", "rate at most", "trials, night", "rate at most"),
        ((f"[{each}. {PROMISES[each].name}](#{each.lower()})", str(len(found)), *_bounds(found, tallies))
         for each, found in shown.items()),
    )  # fmt: skip
    return _INTRO + overview + "".join(_section(each, PROMISES[each], shown[each], tallies) for each in PROMISES)


def incidents_page(page: str, tests: Sequence[MarkedTest]) -> str:
    """The page with the last cell of each incident's row said by the marks."""
    return "\n".join(_incident_row(line, tests) for line in page.split("\n"))


def _section(each: str, promise: Promise, tests: Sequence[MarkedTest], tallies: Mapping[str, Tally]) -> str:
    rows = (_row(test, tallies.get(test.node)) for test in _by_weight(tests, tallies))
    limits = "".join(f"- {limit}\n" for limit in promise.limits)
    return (
        f"\n## {each}. {promise.name} {{ #{each.lower()} }}\n\n{promise.words}\n\n"
        + _table(("shown by", "in", "cases", "trials", "trials in all runs"), rows)
        + (f"\n{limits}" if limits else "")
    )


def _by_weight(tests: Sequence[MarkedTest], tallies: Mapping[str, Tally]) -> list[MarkedTest]:
    return sorted(tests, key=lambda test: (-tallies.get(test.node, Tally()).trials, test.node))


def _row(test: MarkedTest, tally: Tally | None) -> Sequence[str]:
    where = test.file.removeprefix("tests/")
    if tally is None or not tally.cases:
        return (f"`{test.name}`", f"`{where}`", "none recorded", "", "")
    tried = (_number(tally.trials), _number(tally.total)) if tally.trials else ("", "")
    return (f"`{test.name}`", f"`{where}`", _number(tally.cases), *tried)


def _bounds(tests: Sequence[MarkedTest], tallies: Mapping[str, Tally]) -> Iterable[str]:
    for at_night in (False, True):
        tier = (test for test in tests if test.is_night is at_night)
        made = sum(tallies.get(test.node, Tally()).trials for test in tier)
        yield from (_number(made), f"{3 / made:.1g}") if made else ("none recorded", "no bound")


def _incident_row(line: str, tests: Sequence[MarkedTest]) -> str:
    cells = line.split(" | ")
    each = cells[0].removeprefix("| ")
    if not each.removeprefix("I").isdigit() or not each.startswith("I"):
        return line
    return " | ".join((*cells[:-1], _shown_by(each, tests))) + " |"


def _shown_by(each: str, tests: Sequence[MarkedTest]) -> str:
    names = list(dict.fromkeys(f"`{test.name}`" for test in tests if each in test.incidents))
    more = [f"and {len(names) - NAMED_AT_MOST} more"] if len(names) > NAMED_AT_MOST else []
    notes = [words[each] for words in (DOES_NOT_APPLY_YET, LIMITED) if each in words]
    return ", ".join((*names[:NAMED_AT_MOST], *more, *notes))


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (columns, ["---"] * len(columns), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _number(count: int) -> str:
    return f"{count:,}"
