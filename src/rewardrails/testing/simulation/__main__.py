"""Command line of the simulation: `python -m rewardrails.testing.simulation [--seeds N] [--seed N] [--story]`."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from rewardrails.observability import log
from rewardrails.store import migrate
from rewardrails.store.embedded import EmbeddedPostgres
from rewardrails.testing.simulation.campaign import Summary, run_seeds
from rewardrails.testing.simulation.database import Store
from rewardrails.testing.simulation.run import run_seed

# Nothing here needs to outlive the command.
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

app = App(name="rewardrails-simulation", help="The engine on a virtual clock, against simulated rails.")


@app.default
def main(
    *,
    seeds: int = 200,
    first: int = 0,
    seed: int | None = None,
    story: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Run seeds and tell what they came to. Exit code 1 when a promise was broken; its story is told, made short.

    Parameters
    ----------
    seeds
        How many.
    first
        The first of them; a long campaign goes on where it stopped.
    seed
        Only this one.
    story
        Tell what happened, step by step; for one seed.
    """
    log.configure(level="CRITICAL")
    console = Console(highlight=False, markup=False, soft_wrap=True)
    with _database() as dsn:
        if seed is not None and story:
            return asyncio.run(_tell(dsn, seed, console))
        wanted = range(seed, seed + 1) if seed is not None else range(first, first + seeds)
        summary = asyncio.run(_run(dsn, wanted))
    console.print(str(summary))
    return 0 if summary.failing is None else 1


async def _run(dsn: str, seeds: range) -> Summary:
    async with Store.opened(dsn) as store:
        return await run_seeds(store, seeds)


async def _tell(dsn: str, seed: int, console: Console) -> int:
    async with Store.opened(dsn) as store:
        run = await run_seed(store, seed)
    console.print(run.story)
    return 1 if run.broken else 0


@contextmanager
def _database() -> Iterator[str]:
    """A server of the command's own, gone with it."""
    with (
        tempfile.TemporaryDirectory(prefix="rewardrails-simulation-") as folder,
        EmbeddedPostgres.start(Path(folder), settings=_FORGETFUL) as server,
    ):
        server.ensure_database("simulation")
        dsn = server.dsn("simulation")
        migrate.upgrade(dsn)
        yield dsn


if __name__ == "__main__":
    sys.exit(app())
