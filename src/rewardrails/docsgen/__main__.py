"""Command line: `python -m rewardrails.docsgen [--check] [--folder docs]`."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from rewardrails.docsgen.pages import render, stale, write

app = App(name="rewardrails-docsgen", help="Write the generated pages of the documentation, or check them.")


@app.default
def main(*, check: Annotated[bool, Parameter(negative="")] = False, folder: Path = Path("docs")) -> int:
    """Write every generated page.

    Parameters
    ----------
    check
        Write nothing; name the pages that differ from the code and end with 1 if there are any.
    folder
        Where the documentation is.
    """
    pages = render()
    if not check:
        for path in write(folder, pages):
            print(f"wrote {path}")  # noqa: T201 - a command talks to its terminal
        return 0
    behind = stale(folder, pages)
    for path in behind:
        print(f"{path} differs from the code: run python -m rewardrails.docsgen", file=sys.stderr)  # noqa: T201
    return 1 if behind else 0


if __name__ == "__main__":
    sys.exit(app())
