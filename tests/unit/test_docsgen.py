"""Generated pages are whole, and a page that fell behind is named."""

import dataclasses
import re
from pathlib import Path

import pytest

from rewardrails.api.problems import problem_of
from rewardrails.docsgen import capabilities_page, errors_page, states_page
from rewardrails.docsgen.__main__ import app
from rewardrails.docsgen.markdown import table
from rewardrails.docsgen.pages import render, stale, write
from rewardrails.domain.payout import AttemptState, PayoutState
from rewardrails.error_codes import CATALOGUE, ErrorClass
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.providers.capabilities import Capabilities
from rewardrails.providers.registry import BUILT_IN

DOCS = Path(__file__).parents[2] / "docs"


def test_the_pages_of_the_project_say_what_the_code_says() -> None:
    assert stale(DOCS, render()) == []


def test_a_page_that_is_missing_or_differs_is_stale_until_written(tmp_path: Path) -> None:
    pages = {"reference/a.md": "new", "reference/b.md": "same", "c.md": "missing"}
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "a.md").write_text("old")
    (tmp_path / "reference" / "b.md").write_text("same")

    expected = [tmp_path / "reference/a.md", tmp_path / "c.md"]
    assert stale(tmp_path, pages) == expected
    assert write(tmp_path, pages) == expected
    assert stale(tmp_path, pages) == []


def test_the_check_ends_with_1_and_names_what_is_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--folder", str(tmp_path)]
    app(arguments, result_action="return_value")
    assert app(["--check", *arguments], result_action="return_value") == 0

    (tmp_path / "reference" / "states.md").write_text("edited by hand")
    assert app(["--check", *arguments], result_action="return_value") == 1
    assert "states.md" in capsys.readouterr().err
    assert (tmp_path / "reference" / "states.md").read_text() == "edited by hand"


def test_every_refusal_of_the_api_names_a_heading() -> None:
    pages = render()
    headings = set(re.findall(r"^## (\S+)$", pages["reference/errors.md"], re.MULTILINE))
    assert headings == {code.value for code in ErrorCode}
    for code in ErrorCode:
        assert problem_of(RewardRailsError("words", code=code), "id").type == f"urn:rewardrails:error:{code.value}"
    assert "`urn:rewardrails:error:CODE`" in pages["reference/errors.md"]


def test_every_word_for_operators_and_players_is_on_the_page() -> None:
    page = errors_page.render()
    for info in CATALOGUE.values():
        assert info.operator_text in page
        assert info.player_text in page


def test_everything_that_has_a_meaning_is_explained() -> None:
    assert set(errors_page.CLASS_MEANINGS) == set(ErrorClass)
    assert set(states_page.MEANINGS) == set(PayoutState)
    assert set(states_page.ATTEMPT_MEANINGS) == set(AttemptState)


def test_every_capability_is_a_row_or_follows_the_configuration() -> None:
    rows = {key for key, _, _ in capabilities_page.ROWS}
    assert rows.isdisjoint(capabilities_page.AS_CONFIGURED)
    assert rows | capabilities_page.AS_CONFIGURED == {field.name for field in dataclasses.fields(Capabilities)}


def test_every_adapter_that_comes_along_is_a_column() -> None:
    assert set(capabilities_page.SAMPLES) == set(BUILT_IN)
    heading = next(line for line in capabilities_page.render().splitlines() if line.startswith("|"))
    assert all(f"`{name}`" in heading for name in BUILT_IN)


def test_a_cell_cannot_break_its_table() -> None:
    assert table(("a", "b"), [("x | y", "one\ntwo")]).splitlines()[-1] == r"| x \| y | one two |"
