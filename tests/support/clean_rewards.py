"""Large files without fault, line by line, so that nothing but what is tested holds memory."""

from collections.abc import Iterator
from pathlib import Path

from rewardrails.domain.reward import COLUMNS

LINES_AT_ONCE = 10_000


def write_clean_rewards(path: Path, rows: int) -> None:
    """A CSV of `rows` rewards of campaign `season-7`, all in EUR to e-mail addresses."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(",".join(COLUMNS) + "\n")
        for lines in _lines(rows):
            file.write(lines)


def _lines(rows: int) -> Iterator[str]:
    for first in range(0, rows, LINES_AT_ONCE):
        yield "".join(
            f"clean-{number:08d},telegram:{number},season-7,{20 + number % 5000}.{number % 100:02d},EUR,DE,"
            f"paypal_email,player{number}@example.org,\n"
            for number in range(first, min(rows, first + LINES_AT_ONCE))
        )
