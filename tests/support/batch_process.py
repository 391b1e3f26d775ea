"""A process that stages or starts a batch, to be measured or killed: `python -m tests.support.batch_process ...`.

stage CONFIG FILE           prints the batch's rows and this process's highest resident memory in KiB
start CONFIG BATCH ROWS     starts the batch in chunks of so many rows
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

from rewardrails.bootstrap import opened
from rewardrails.config import Config
from rewardrails.engine.batches import open_batch, stage, start_chunk
from rewardrails.intake.reader import FileFormat

PIECE_BYTES = 65_536


async def _stage(config: Config, folder: Path, path: Path) -> None:
    async with opened(config, folder=folder, process="batch") as core:
        batch_id = await open_batch(core, name=path.name, file_format=FileFormat.CSV, actor="test")
        batch = await stage(core, batch_id, _pieces(path))
    print(json.dumps({"rows": batch.rows_staged, "peak_kib": _peak_kib()}))  # noqa: T201 - the parent reads it


def _peak_kib() -> int:
    # Not `ru_maxrss`: that one starts at the parent's size, and the parent is a test session.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


async def _start(config: Config, folder: Path, batch_id: UUID, rows: int) -> None:
    async with opened(config, folder=folder, process="batch") as core:
        while await start_chunk(core, batch_id, rows):
            pass


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


if __name__ == "__main__":
    verb, config_path, *rest = sys.argv[1:]
    read = Config.load(Path(config_path), os.environ)
    where = Path(config_path).parent
    if verb == "stage":
        asyncio.run(_stage(read, where, Path(rest[0])))
    else:
        asyncio.run(_start(read, where, UUID(rest[0]), int(rest[1])))
