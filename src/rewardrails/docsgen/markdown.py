"""The few pieces of Markdown that the pages are made of."""

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a cell may hold Markdown, its line ends and bars are made harmless."""
    lines = [_line(columns), _line(["---"] * len(columns)), *(_line(row) for row in rows)]
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    """Text in monospace."""
    return f"`{text}`"


def codes(texts: Iterable[str], *, none: str = "none") -> str:
    """Several words in monospace, in their order."""
    return ", ".join(code(text) for text in texts) or none


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in cells) + " |"
