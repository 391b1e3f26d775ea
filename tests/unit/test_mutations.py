"""A mutation that cannot be applied, or that nothing notices, is named."""

from pathlib import Path

import pytest

from tools.mutations import page
from tools.mutations.catalogue import MUTATIONS, Edit, Mutation
from tools.mutations.scratch import Verdict, problems

GUARD = Mutation(name="guard removed", edits=(Edit(path="a.py", old="if guard:", new="if True:"),), tests=("tests",))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "src" / "rewardrails").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(("text", "times"), [("", 0), ("if guard:\nif guard:\n", 2)])
def test_a_guard_that_does_not_stand_there_once_cannot_be_taken_away(tree: Path, text: str, times: int) -> None:
    (tree / "src" / "rewardrails" / "a.py").write_text(text)
    (problem,) = problems(tree, GUARD)
    assert f"stands {times} times in src/rewardrails/a.py" in problem


def test_a_guard_that_stands_there_once_can_be_taken_away(tree: Path) -> None:
    (tree / "src" / "rewardrails" / "a.py").write_text("if guard:\n    pass\n")
    assert problems(tree, GUARD) == []


def test_names_are_different_and_name_tests_that_are_there() -> None:
    root = Path(__file__).parents[2]
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
    for test in (test for mutation in MUTATIONS for test in mutation.tests):
        file, _, function = test.partition("::")
        assert f"def {function}" in (root / file).read_text(encoding="utf-8")


def test_running_some_keeps_the_rows_of_the_others(tmp_path: Path) -> None:
    other = Mutation(name="other guard removed", edits=GUARD.edits, tests=("tests",))
    first = page.merge((GUARD, other), {}, {"guard removed": Verdict(red=("test_a",), ran=1)})
    (tmp_path / "page.md").write_text(first)

    whole = page.merge((GUARD, other), page.read(tmp_path / "page.md"), {other.name: Verdict(red=(), ran=5)})

    assert whole.endswith("| guard removed | `a.py` | 1 | `test_a` |\n| other guard removed | `a.py` | 0 |  |\n")
