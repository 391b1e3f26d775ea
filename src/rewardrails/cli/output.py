"""How answers look: tables for people, JSON for machines; nothing that came from outside can steer the terminal."""

import asyncio
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from types import MappingProxyType

import msgspec
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rewardrails.api.schemas.common import Amount

WIDE = 240
READABLE = 24
"""No cell of a table is folded into fewer characters than this."""
GAP = 3
_STATE_STYLES = {
    "paid": "green",
    "failed": "red",
    "outcome_unknown": "bold yellow",
    "held": "yellow",
    "awaiting_approval": "yellow",
    "returned": "red",
    "refused": "red",
    "accepted": "green",
    "problem": "bold red",
    "warning": "yellow",
    "ok": "green",
    "task": "cyan",
    "✓": "green",
    "…": "yellow",
    "✗": "bold red",
    "TOO OLD": "bold red",
}
_WHOLE = frozenset({"id", "payout", "batch", "pool id", "subject"})
_names: ContextVar[Mapping[str, str]] = ContextVar("names", default=MappingProxyType({}))
_actor = re.compile(r"(?:operator|key):[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").sub
_encode = msgspec.json.Encoder().encode


class Output:
    """Answers on standard output, everything else on standard error."""

    def __init__(self, *, machine: bool = False) -> None:
        self.machine = machine
        self.screen = _console(stderr=False)
        self.notes = _console(stderr=True)

    def show(self, answer: object, *human: Table | Text | str) -> None:
        """Print `answer` as one line of JSON for machines, or what it means for people."""
        if self.machine:
            sys.stdout.write(_encode(answer).decode() + "\n")
            sys.stdout.flush()
            return
        for number, part in enumerate(human):
            if number and isinstance(part, Table):
                self.screen.print()
            _print(self.screen, part)

    def say(self, words: str) -> None:
        """Tell people something that is not the answer."""
        self.notes.print(cell(words))

    def note(self, *parts: Table | str) -> None:
        """Show people something that is not the answer."""
        for part in parts:
            _print(self.notes, part)

    async def ask(self, question: str) -> bool:
        """Ask; anything but a plain yes is a no, and so is nobody there to answer."""
        self.notes.print(cell(f"{question} [y/N] "), end="")
        answer = await asyncio.to_thread(sys.stdin.readline)
        return answer.strip().lower() in ("y", "yes")

    def complain(self, words: str) -> None:
        """Tell why it did not work."""
        self.notes.print(Text.assemble(("error: ", "bold red"), cell(words)))


def call_by_name(names: Mapping[str, str]) -> None:
    """From here on show these actors (`operator:ID`, `key:ID`) to people by their names; machines get them as they are."""
    _names.set(names)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """A table whose ids are never cut; columns whose name starts with `>` are figures.

    Where the screen is too narrow for it as it stands, it is shown row by row instead.
    """
    made = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for name in columns:
        plain = name.removeprefix(">")
        made.add_column(
            plain,
            justify="right" if plain != name else "left",
            no_wrap=plain != name or plain in _WHOLE,
            overflow="ignore" if plain in _WHOLE else "fold",
        )
    for row in rows:
        made.add_row(*(cell(value) for value in row))
    if not rows:
        made.add_row(Text("none", style="dim"))
    return made


def cell(value: object) -> Text:
    """A value as inert text: no markup, no control characters; states are coloured, people and keys called by their names."""
    match value:
        case None:
            return Text("")
        case datetime():
            return Text(f"{value:%Y-%m-%d %H:%M:%S}Z")
        case bool():
            return Text("yes" if value else "no")
        case _:
            words = _actor(_name_of, str(value))
            shown = "".join(char if char.isprintable() or char == "\n" else "�" for char in words)
            return Text(shown, style=_STATE_STYLES.get(words, ""))


def money(amount: str | Amount | None, asset: str | None, minor: str = "") -> str:
    """An amount with its asset; in smallest units when the asset's decimals are not known."""
    if isinstance(amount, Amount):
        return money(amount.amount, asset, amount.amount_minor)
    if amount is not None:
        return f"{amount} {asset}"
    return f"{minor} smallest units of {asset}" if minor else ""


def count(number: int, thing: str) -> str:
    """So many of a thing whose plural takes an s."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def duration(seconds: float | None) -> str:
    """A length of time in at most two units."""
    if seconds is None:
        return ""
    whole = round(seconds)
    for size, unit, part, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {small}"
    return f"{seconds:.1f} s"


def _print(screen: Console, part: Table | Text | str) -> None:
    match part:
        case str():
            screen.print(cell(part))
        case Table() if part.row_count > 0 and _least_width(part) > screen.width:
            for line in _blocks(part):
                screen.print(line)
        case _:
            screen.print(part)


def _least_width(wide: Table) -> int:
    """The width below which cells would be folded into narrow strips."""
    widths = [
        (column.no_wrap, max(cell_len(str(one)) for one in (column.header, *column.cells))) for column in wide.columns
    ]
    return sum(GAP + (widest if whole else min(widest, READABLE)) for whole, widest in widths) - GAP


def _blocks(wide: Table) -> Iterator[Table | Text]:
    """A table that the screen is too narrow for, row by row: a line for each column that says something."""
    if wide.title:
        yield Text(str(wide.title), style="bold")
    names = [Text(str(column.header), style="dim") for column in wide.columns]
    for row in zip(*(column.cells for column in wide.columns), strict=True):
        block = Table.grid(padding=(0, 2))
        block.add_column(no_wrap=True)
        block.add_column(overflow="fold")
        for name, value in zip(names, row, strict=True):
            if isinstance(value, Text) and value.plain:
                block.add_row(name, value)
        yield Text("")
        yield block


def _name_of(found: re.Match[str]) -> str:
    return _names.get().get(found[0], found[0])


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else WIDE)
