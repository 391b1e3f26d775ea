"""The pages about promises follow the tests' marks, and what they cannot follow is named."""

import json
from pathlib import Path

import pytest

from tools import promises
from tools.proofs.known import DOES_NOT_APPLY_YET, INCIDENTS, PROMISES
from tools.proofs.marked import marked_tests
from tools.proofs.trials import Run, Tally, merge

MARKED = """
import pytest

pytestmark = pytest.mark.incident("I4")

@pytest.mark.promise("G1", "G2")
async def test_marked(trials): ...

class TestGroup:
    @pytest.mark.promise("G3")
    @pytest.mark.parametrize("x", [1])
    def test_inside(self, x): ...

@pytest.mark.promise("G4")
class TestInheriting(Contract): ...

def helper(): ...
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small project in which every promise and incident is shown by one test."""
    (tmp_path / "docs" / "explanation").mkdir(parents=True)
    rows = "".join(f"| {each} | what | how |  |\n" for each in INCIDENTS)
    (tmp_path / "docs" / "explanation" / "incidents.md").write_text(f"| # | what | how | shown by |\n|---|\n{rows}")
    everything = [*PROMISES, *(each for each in INCIDENTS if each not in DOES_NOT_APPLY_YET)]
    marks = "".join(f'@pytest.mark.{"promise" if each[0] == "G" else "incident"}("{each}")\n' for each in everything)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_all.py").write_text(f"{marks}def test_all(): ...\n")
    return tmp_path


def faults(root: Path) -> list[str]:
    return list(promises.faults(root, marked_tests(root)))


def test_marks_of_functions_classes_and_modules_are_read(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_some.py").write_text(MARKED)

    first, second, third = marked_tests(tmp_path)

    assert (first.node, first.promises, first.incidents) == ("tests/test_some.py::test_marked", {"G1", "G2"}, {"I4"})
    assert (second.node, second.promises) == ("tests/test_some.py::TestGroup::test_inside", {"G3"})
    assert (third.node, third.promises) == ("tests/test_some.py::TestInheriting", {"G4"})


def test_nothing_is_wrong_where_everything_is_shown(tree: Path) -> None:
    assert faults(tree) == []


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("tests/test_more.py", '@pytest.mark.promise("G9")\ndef test_x(): ...', "G9, which nobody knows"),
        ("tests/test_all.py", "", "no test is marked with G1"),
        ("docs/explanation/incidents.md", "| # |", "has no row for I28"),
        ("docs/trials.json", '{"tests/test_gone.py::test_x": {}}', "test_x, which is gone"),
        ("docs/some.md", "shown by `test_gone`", "docs/some.md names test_gone"),
    ],
)
def test_what_no_page_can_put_right_is_named(tree: Path, file: str, text: str, fault: str) -> None:
    (tree / file).write_text(text)
    assert any(fault in each for each in faults(tree)), faults(tree)


def test_an_excuse_that_is_no_longer_needed_is_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "DOES_NOT_APPLY_YET", {"I4": "not yet: nothing is sent"})
    assert faults(tree) == ["I4 has a test; take it out of DOES_NOT_APPLY_YET"]


def test_a_page_is_behind_until_it_is_written(tree: Path) -> None:
    rendered = promises.render(tree, marked_tests(tree))
    assert promises.stale(tree, rendered) == list(rendered)

    for path, text in rendered.items():
        (tree / path).write_text(text)

    assert promises.stale(tree, promises.render(tree, marked_tests(tree))) == []
    assert "| I28 | what | how | `test_all` |" in (tree / "docs/explanation/incidents.md").read_text()


def test_trials_bound_the_rate_by_three_in_n(tree: Path) -> None:
    tally = {"tests/test_all.py::test_all": {"cases": 1, "trials": 3000, "total": 9000}}
    (tree / "docs" / "trials.json").write_text(json.dumps(tally))

    page = promises.render(tree, marked_tests(tree))[Path("docs/promises.md")]

    assert "| [G1. No double pay](#g1) | 1 | 3,000 | 0.001 | none recorded | no bound |" in page
    assert "| `test_all` | `test_all.py` | 1 | 3,000 | 9,000 |" in page


def test_a_record_grows_while_green_and_begins_again_after_a_failure() -> None:
    known = {"a": Tally(cases=1, trials=10, total=50), "b": Tally(cases=1, trials=1, total=1), "c": Tally(cases=2)}
    runs = {"a": Run(cases=1, trials=20, has_failed=False), "b": Run(cases=1, trials=1, has_failed=True)}

    after = merge(known, runs)

    assert after == {"a": Tally(cases=1, trials=20, total=70), "b": Tally(), "c": Tally(cases=2)}
