"""Files of rewards, read under the rules of the season files."""

from collections.abc import AsyncIterator, Iterable
from functools import cache
from pathlib import Path

from rewardrails.config import Config
from rewardrails.domain.reward import COLUMNS, RowRules
from rewardrails.intake.reader import ROWS_PER_CHUNK, Chunk, FileFormat, StagedRow, read_rows

DATA = Path(__file__).parents[1] / "data"
HEADER = ",".join(COLUMNS)
GOOD = "s7-1,telegram:42,season-7,25.00,USD,DE,email_gift,player1@example.com,"


@cache
def rules() -> RowRules:
    """Those under which the expected verdicts of the season files hold."""
    secrets = {"FAKE_TOKEN": "t", "FAKE_WEBHOOK_SECRET": "whsec_t"}
    return Config.load(DATA / "season-7.rewardrails.toml", secrets).row_rules()


async def arriving(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Bytes as a connection brings them."""
    for piece in pieces:
        yield piece


async def chunks(
    content: bytes | str,
    file_format: FileFormat = FileFormat.CSV,
    *,
    piece: int = 65536,
    rows_per_chunk: int = ROWS_PER_CHUNK,
    max_bytes: int | None = None,
) -> list[Chunk]:
    """What the reader makes of `content` when it arrives in pieces of this many bytes."""
    raw = content.encode() if isinstance(content, str) else content
    pieces = (raw[at : at + piece] for at in range(0, len(raw), piece))
    found = read_rows(arriving(pieces), file_format, rules(), rows_per_chunk=rows_per_chunk, max_bytes=max_bytes)
    return [chunk async for chunk in found]


async def rows(content: bytes | str, file_format: FileFormat = FileFormat.CSV) -> list[StagedRow]:
    """All rows of `content`."""
    return [row for chunk in await chunks(content, file_format) for row in chunk.rows]


async def verdicts(content: bytes | str, file_format: FileFormat = FileFormat.CSV) -> list[str]:
    """Each row's code; empty for an accepted one."""
    return [row.refusal.code.value if row.refusal else "" for row in await rows(content, file_format)]
