"""Every SQL statement of the engine, by name, from the `.sql` files in `queries/`."""

import re
from functools import cache
from importlib.resources import files

_HEADER = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def _statements() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(files("rewardrails.store.queries").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            _, *parts = _HEADER.split(file.read_text(encoding="utf-8"))
            for name, text in zip(parts[::2], parts[1::2], strict=True):
                if name in found:
                    raise LookupError(f"two statements are called {name!r}; rename the one in {file.name}")
                found[name] = text.strip()
    return found


def sql(name: str) -> str:
    """Text of the statement called `name`; raises `LookupError` when no file has it."""
    try:
        return _statements()[name]
    except KeyError:
        raise LookupError(f"no statement is called {name!r} in store/queries") from None
