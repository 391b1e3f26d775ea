"""The numbered behaviours, the page about them and the tests behind them are one thing."""

import ast
import inspect
import re
from dataclasses import replace
from pathlib import Path

import pytest

from rewardrails.providers.capabilities import WebhookTrust
from rewardrails.testing.contract import ProviderContract
from rewardrails.testing.contract.behaviour import behaviour, catalogue
from rewardrails.testing.contract.page import render
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail

ROOT = Path(__file__).parents[2]
BEHAVIOURS = catalogue(ProviderContract)


def test_the_page_says_what_the_suite_does() -> None:
    page = ROOT / "docs" / "reference" / "contract.md"

    assert page.read_text(encoding="utf-8") == render(), "run python -m rewardrails.testing.contract"


def test_numbers_have_no_gap() -> None:
    assert [found.number for found in BEHAVIOURS] == [f"P-{place:02d}" for place in range(1, len(BEHAVIOURS) + 1)]


def test_every_test_of_the_suite_is_a_numbered_behaviour_with_a_text() -> None:
    tests = {name for name, _ in inspect.getmembers(ProviderContract) if name.startswith("test_")}

    assert {found.test for found in BEHAVIOURS} == tests
    assert all(found.title and len(found.text) > len(found.title) for found in BEHAVIOURS)


def test_a_number_given_twice_is_refused() -> None:
    class Twice(ProviderContract):
        @behaviour(1, "Again")
        async def test_again(self) -> None:
            """The same number."""

    with pytest.raises(ValueError, match="same number"):
        catalogue(Twice)


def test_no_behaviour_skips_by_hand() -> None:
    folder = Path(inspect.getfile(ProviderContract)).parent
    skipping = [path.name for path in sorted(folder.glob("*.py")) if "pytest.skip(" in path.read_text(encoding="utf-8")]

    assert skipping == ["base.py"], "only the fixture `case` leaves out what a declaration excludes"


def test_the_modules_hold_the_numbers_that_they_announce() -> None:
    for group in ProviderContract.__bases__:
        module = inspect.getmodule(group)
        announced = re.match(r"P-(\d\d) to P-(\d\d)", module.__doc__)
        held = [int(found.number[2:]) for found in catalogue(group)]
        assert announced is not None, module.__name__
        assert [int(announced[1]), int(announced[2])] == [min(held), max(held)]


def test_the_plugin_brings_nothing_but_pytest_along() -> None:
    source = ROOT / "src" / "rewardrails" / "testing" / "pytest_plugin.py"
    imported = {
        name
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }

    assert not any(name.startswith("rewardrails") for name in imported)


@pytest.mark.parametrize("trust", WebhookTrust)
def test_every_kind_of_webhook_has_behaviours_of_its_own(trust: WebhookTrust) -> None:
    rail = ScriptedRail("rail", capabilities=replace(CAPABILITIES, webhooks=trust))

    concerned = [found.number for found in BEHAVIOURS if not found.applies.unless(rail)]

    assert ("P-54" in concerned) is (trust is not WebhookTrust.NONE)
    assert ("P-48" in concerned) is (trust in {WebhookTrust.SIGNED_FULL, WebhookTrust.SIGNED_THIN})
    assert ("P-52" in concerned) is (trust is WebhookTrust.SIGNED_FULL)
    assert ("P-56" in concerned) is (trust is WebhookTrust.UNSIGNED_HINT)
