"""How a numbered behaviour is declared: once, on the test that checks it. The reference page is made of these."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from rewardrails.testing.contract.conditions import ALWAYS, Condition

ATTRIBUTE = "contract_behaviour"
Check = TypeVar("Check", bound=Callable[..., Awaitable[None]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One thing an adapter does; `number` is stable (`P-07`) and never used again, `test` names its test."""

    number: str
    title: str
    text: str
    applies: Condition = field(repr=False)
    test: str


def behaviour(number: int, title: str, *, applies: Condition = ALWAYS) -> Callable[[Check], Check]:
    """Declare the decorated test as behaviour `P-<number>`; its docstring is the behaviour's text."""

    def declare(check: Check) -> Check:
        declared = Behaviour(
            number=f"P-{number:02d}",
            title=title,
            text=inspect.getdoc(check) or "",
            applies=applies,
            test=check.__name__,
        )
        setattr(check, ATTRIBUTE, declared)
        # Marked one by one, so that the suite runs in either mode of pytest-asyncio.
        marked: Check = pytest.mark.asyncio(check)
        return marked

    return declare


def behaviour_of(check: object) -> Behaviour | None:
    """What a test was declared as; None for a test that is no part of a contract."""
    found = getattr(check, ATTRIBUTE, None)
    return found if isinstance(found, Behaviour) else None


def catalogue(suite: type) -> list[Behaviour]:
    """Every behaviour of a suite by number; raises `ValueError` when two share one."""
    declared = [found for _, member in inspect.getmembers(suite) if (found := behaviour_of(member))]
    by_number = {found.number: found for found in declared}
    if len(by_number) < len(declared):
        raise ValueError("two behaviours of the contract have the same number")
    return sorted(declared, key=lambda found: int(found.number.removeprefix("P-")))
