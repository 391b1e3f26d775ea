"""What people see: tables where they fit, rows one by one where they do not, and names in place of ids."""

import io
from contextvars import copy_context

import pytest
from rich.console import Console

from rewardrails.cli.output import Output, call_by_name, count, table

PAYOUT = "01a2091f-0060-75a6-875e-b5328b6d88fc"
ANN = f"operator:{PAYOUT}"


def shown(width: int, *parts: object) -> list[str]:
    output = Output()
    output.screen = Console(file=io.StringIO(), width=width, highlight=False)
    output.show(None, *parts)  # type: ignore[arg-type]
    return [line.rstrip() for line in output.screen.file.getvalue().splitlines()]


def holds(*rows: tuple[str, ...]) -> object:
    return table("Holds", ("payout", "gate", "why", ">amount"), rows)


def test_a_table_that_fits_is_one() -> None:
    lines = shown(120, holds((PAYOUT, "limits", "too much", "1.00 EUR")))

    assert [line for line in lines if PAYOUT in line and "limits" in line and "1.00 EUR" in line]


@pytest.mark.parametrize("width", [40, 60, 79])
def test_a_table_that_does_not_fit_is_shown_row_by_row_and_whole(width: int) -> None:
    row = (PAYOUT, "limits", "a reason of some length, and then some more", "1.00 EUR")

    lines = shown(width, holds(row, row))

    assert lines.count(f"payout  {PAYOUT}"[:width]) == 2 or [line for line in lines if PAYOUT in line]
    assert sum(line.startswith("gate") for line in lines) == 2
    assert all(len(line) <= max(width, len(PAYOUT) + len("payout  ")) for line in lines)


def test_what_is_empty_takes_no_line() -> None:
    assert not [line for line in shown(50, holds((PAYOUT, "limits", "", "1.00 EUR"))) if line.startswith("why")]


def test_people_are_called_by_their_names_and_strangers_by_what_they_are() -> None:
    other = ANN.replace("operator", "key")

    def named() -> list[str]:
        call_by_name({ANN: "ann"})
        return shown(200, f"approved by {ANN}, then by {other}")

    assert copy_context().run(named) == [f"approved by ann, then by {other}"]


@pytest.mark.parametrize(("number", "words"), [(0, "0 payouts"), (1, "1 payout"), (2, "2 payouts")])
def test_one_is_not_many(number: int, words: str) -> None:
    assert count(number, "payout") == words
