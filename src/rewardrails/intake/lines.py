"""A stream of bytes as blocks of whole lines, and what the parser of a format makes of lines."""

from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rewardrails.domain.reward import RawReward
from rewardrails.errors import FieldInvalid, FileInvalid

BLOCK_BYTES = 256 * 1024
MAX_RECORD_BYTES = 128 * 1024
"""No reward is as long as this. It is also the longest field that the `csv` module reads."""
MAX_LINE_BYTES = 1024 * 1024
"""A file with a longer line is no list of rewards; no more than this and a block is ever held in memory."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that cannot be split into fields; `reward_id` is empty where not even that can be read."""

    fault: FieldInvalid
    reward_id: str = ""


Record = RawReward | Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Consecutive lines without their line feeds: as bytes, and as text in which bad bytes are lone surrogates.

    `first` is the number of the first of them in the file, counted from 1.
    """

    raw: Sequence[bytes]
    text: Sequence[str]
    first: int


class Parser(Protocol):
    """One file format, reading one file from its beginning."""

    def records(self, lines: Lines, *, at_end: bool) -> Iterator[tuple[int, Record]]:
        """Each record, and the index of the line on which it begins.

        Stops before a record that goes on after these lines, unless `at_end` says that there are none. Raises
        `FileInvalid` when the file as a whole cannot be read.
        """

    @property
    def consumed(self) -> int:
        """How many of the lines given last are done with; the others are to be given again with what follows them."""

    def finish(self) -> None:
        """Told that there were no more lines. Raises `FileInvalid` when something that every file has is missing."""


def split_lines(block: bytes, first: int) -> Lines:
    """The lines of a block; the empty rest after its last line feed is not one."""
    raw = block.split(b"\n")
    # A line feed is never part of a longer UTF-8 sequence, not even of a broken one: both splits agree.
    text = block.decode("utf-8", "surrogateescape").split("\n")
    if not raw[-1]:
        raw.pop()
        text.pop()
    if first == 1 and text:
        text[0] = text[0].removeprefix("\ufeff")
    return Lines(raw=raw, text=text, first=first)


async def blocks(data: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in blocks that end with a line feed, the last one aside. Raises `FileInvalid` for an endless line."""
    parts: list[bytes] = []
    size = lines_before = 0
    async for part in data:
        parts.append(part)
        size += len(part)
        if size < BLOCK_BYTES:
            continue
        gathered = b"".join(parts)
        _refuse_endless_line(gathered, lines_before)
        cut = gathered.rfind(b"\n") + 1
        if cut:
            lines_before += gathered.count(b"\n")
            yield gathered[:cut]
        parts, size = [gathered[cut:]], len(gathered) - cut
    if last := b"".join(parts):
        yield last


def _refuse_endless_line(gathered: bytes, lines_before: int) -> None:
    if len(gathered) <= MAX_LINE_BYTES:
        return
    for number, line in enumerate(gathered.split(b"\n"), lines_before + 1):
        if len(line) > MAX_LINE_BYTES:
            raise FileInvalid(f"line {number} is longer than {MAX_LINE_BYTES} bytes: this is not a list of rewards")
