"""Command line of the demo: `python -m rewardrails.demo [--fresh] [--rows N]`."""

import asyncio
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from rewardrails.cli.edge import words_of
from rewardrails.cli.exits import ExitCode
from rewardrails.demo.ending import show
from rewardrails.demo.story import Ended, tell
from rewardrails.errors import RewardRailsError, StateConflict
from rewardrails.observability import log

WIDE = 160
LOCK_NAME = "demo.lock"
SECONDS_PER_ROW = 0.02
BASE_SECONDS = 120.0

app = App(name="rewardrails-demo", help="A season paid out over six kinds of rail that are not real.")


@app.default
def main(
    *,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    rows: int | None = None,
    folder: Path = Path(".rewardrails-demo"),
) -> int:
    """Stage, fund, start, wait and reckon. A second run goes on where the first one stopped and pays nothing twice.

    Exit code 1 when a reward was paid twice or lost, or the books do not balance.

    Parameters
    ----------
    fresh
        Start over: forget everything earlier runs left.
    rows
        How many rows of the sample; more than it has repeat it under other reward ids.
    folder
        Where database, journals and logs are kept.
    """
    log.configure(level="ERROR")
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else WIDE)
    try:
        with _alone(folder):
            if fresh:
                _start_over(folder)
            end = asyncio.run(_stoppable(folder, rows, console))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("stopped; every process of the demo has ended. Run it again: it goes on where it was")
        return ExitCode.INTERRUPTED
    except (RewardRailsError, RuntimeError, OSError) as error:
        console.print(f"error: {error if isinstance(error, RuntimeError) else words_of(error)}")
        return ExitCode.REFUSED
    show(console, end)
    return ExitCode.OK if end.reckoning.is_right else ExitCode.REFUSED


async def _stoppable(folder: Path, rows: int | None, console: Console) -> Ended:
    """The story, stopped in order by SIGTERM as by Ctrl-C."""
    story = asyncio.create_task(
        tell(folder, rows, console, timeout_seconds=BASE_SECONDS + SECONDS_PER_ROW * (rows or 0))
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, story.cancel)
    return await story


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one demo at a time in one folder: two would write the same journals."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOCK_NAME).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateConflict(f"another demo runs in {folder}: wait for it, or name another --folder") from None
        yield


def _start_over(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == LOCK_NAME:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            os.unlink(path)


if __name__ == "__main__":
    sys.exit(app())
