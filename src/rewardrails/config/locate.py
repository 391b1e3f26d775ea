"""On which line of a TOML text a key stands; the parser itself does not say."""

import re
import tomllib

Path = tuple[str | int, ...]
_HEADER = re.compile(r"^\s*\[(\[?)(.+?)\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*=")


def line_of(text: str, path: Path) -> int | None:
    """Number (from 1) of the line that sets `path`, or the nearest table above it; None when there is neither."""
    lines = _lines(text)
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _lines(text: str) -> dict[Path, int]:
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header and (parts := _parts(header[2])):
            table = parts
            if header[1]:
                counts[parts] = counts.get(parts, -1) + 1
                table = (*parts, counts[parts])
            for length in range(1, len(table) + 1):
                found.setdefault(table[:length], number)
        elif key and (parts := _parts(key[1])):
            for length in range(1, len(parts) + 1):
                found.setdefault((*table, *parts[:length]), number)
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    """The parts of a dotted key, read by the real parser."""
    try:
        node: object = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts = []
    while isinstance(node, dict):
        ((part, node),) = node.items()
        parts.append(part)
    return tuple(parts)
