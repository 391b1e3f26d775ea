"""Season files on an engine configured for them, and what must become of every row."""

import asyncio
import csv
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from rewardrails.bootstrap import opened
from rewardrails.config import Config
from rewardrails.engine.batches import Batch, open_batch, report, stage, start, start_chunk
from rewardrails.engine.core import Core
from rewardrails.intake.reader import FileFormat
from tests.support.stage import fund

DATA = Path(__file__).parents[1] / "data"
PLENTY = 10**18
PIECE_BYTES = 32_768
NOWHERE = "http://127.0.0.1:9"
SECRETS = {"FAKE_TOKEN": "t", "FAKE_WEBHOOK_SECRET": "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk"}

Verdict = tuple[int, str, str, str]
"""Row number, reward id, verdict, code."""


def environment(dsn: str, secrets: Mapping[str, str] = SECRETS) -> dict[str, str]:
    """What the season configuration reads from outside."""
    return {"DATABASE_URL": dsn, **secrets}


def season_config(folder: Path, *, url: str = NOWHERE) -> Path:
    """The season configuration in a file of its own, with the fake provider at `url`."""
    path = folder / "rewardrails.toml"
    path.write_text((DATA / "season-7.rewardrails.toml").read_text(encoding="utf-8").replace(NOWHERE, url))
    return path


@asynccontextmanager
async def season_core(
    folder: Path, dsn: str, *, url: str = NOWHERE, secrets: Mapping[str, str] = SECRETS, funded: int = PLENTY
) -> AsyncIterator[Core]:
    """An engine under the season configuration, with `funded` smallest units in every pool."""
    config = Config.load(season_config(folder, url=url), environment(dsn, secrets))
    async with opened(config, folder=folder, process="test") as core:
        await fund(core, funded)
        yield core


async def stage_file(core: Core, path: Path, *, into: UUID | None = None, cut_at: int | None = None) -> Batch:
    """Stage a file, into a new batch unless one is named; `cut_at` bytes the connection breaks (`ConnectionError`)."""
    batch_id = into or await open_batch(core, name=path.name, file_format=FileFormat.CSV, actor="test")
    return await stage(core, batch_id, arriving(path, cut_at=cut_at))


async def arriving(path: Path, *, cut_at: int | None = None) -> AsyncIterator[bytes]:
    """A file as a connection brings it."""
    content = await asyncio.to_thread(path.read_bytes)
    whole = content if cut_at is None else content[:cut_at]
    for at in range(0, len(whole), PIECE_BYTES):
        yield whole[at : at + PIECE_BYTES]
    if cut_at is not None:
        raise ConnectionError("the sender went away")


async def start_whole(core: Core, batch_id: UUID) -> None:
    """Start a batch and do all of the work."""
    await start(core, batch_id, actor="test")
    while await start_chunk(core, batch_id):
        pass


async def verdicts(core: Core, batch_id: UUID) -> list[Verdict]:
    """What the report says of every row, in order."""
    found: list[Verdict] = []
    while rows := await report(core, batch_id, after_row=len(found)):
        found += [(row.row_no, row.reward_id or "", row.verdict.value, row.code or "") for row in rows]
    return found


def expected(path: Path) -> list[Verdict]:
    """What must become of every row of a season file."""
    with path.with_suffix(".expected.csv").open(encoding="utf-8", newline="") as file:
        return [(int(row["row"]), row["reward_id"], row["verdict"], row["code"]) for row in csv.DictReader(file)]


def as_told(path: Path, *, ids_of: Iterable[Verdict] = ()) -> list[Verdict]:
    """`expected`, without the ids of rows whose id no reader can show (`ids_of` has none for them)."""
    unreadable = {row for row, reward_id, _, _ in ids_of if not reward_id}
    return [(row, "" if row in unreadable else given, verdict, code) for row, given, verdict, code in expected(path)]


def batch_process(verb: str, config: Path, dsn: str, *arguments: object) -> "subprocess.Popen[bytes]":
    """`tests.support.batch_process` as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.batch_process", verb, str(config), *map(str, arguments)],
        env={**os.environ, **environment(dsn)},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    )
