"""Stages a clean file in a process of its own and prints its peak memory in MB: `python -m bench.staging ROWS`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from bench.measures import _pieces, peak_megabytes
from bench.world import surroundings
from rewardrails.engine import batches
from rewardrails.intake.reader import FileFormat
from rewardrails.store.embedded import EmbeddedPostgres


async def main(rows: int) -> None:
    """Stage and tell."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres.start(Path(folder) / "pg") as server:
        async with surroundings(server) as world:
            batch_id = await batches.open_batch(world.core, name="million", file_format=FileFormat.CSV, actor="bench")
            batch = await batches.stage(world.core, batch_id, _pieces(rows))
            if batch.rows_staged != rows:
                raise RuntimeError(f"{batch.rows_staged} rows were staged, not {rows}")
    sys.stdout.write(f"{peak_megabytes()}\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
