"""Going through a log event by event: does every one stand where, and as, it was sealed and signed?"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from rewardrails.events.canonical import GENESIS, Columns, link
from rewardrails.events.checkpoint import Checkpoint
from rewardrails.events.signing import Believed

Row = Columns
"""An event with its `position` and `chain_hash`."""


class Tampering(StrEnum):
    """What was done to a log."""

    FLIPPED = "flipped"
    MISSING = "missing"
    INSERTED = "inserted"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"
    CHECKPOINT = "checkpoint"
    PAYOUT = "payout"
    UNSEALED = "unsealed"
    UNSIGNED = "unsigned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The first thing that does not fit: where, what, and in words."""

    kind: Tampering
    position: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position of the log and the chain hash there (32 bytes)."""

    position: int = 0
    chain_hash: bytes = GENESIS


class Walk:
    """One pass over a log and the checkpoints about it, in bounded memory; `fault` is the first one found."""

    def __init__(
        self, *, after: Place, head: Place, checkpoints: AsyncIterator[Checkpoint], believed: Believed, is_part: bool
    ) -> None:
        """`is_part`: checkpoints beyond `head` speak of what is not here and say nothing about it."""
        self.at = after
        self.fault: Fault | None = None
        self.compared = 0
        self.signed_to = 0
        self._after = after
        self._head = head
        self._checkpoints = checkpoints
        self._believed = believed
        self._is_part = is_part
        self._agreed: Checkpoint | None = None
        self._earlier: Checkpoint | None = None
        self._next: Checkpoint | None = None

    @property
    def goes_on_to(self) -> int:
        """A position beyond the present place that a checkpoint signed (0: none is known)."""
        return self._next.position if self._next is not None and self._next.position > self.at.position else 0

    async def run(self, rows: AsyncIterator[Row]) -> Fault | None:
        """Go through all of it; answers the first fault."""
        await self._load_next()
        await self._compare()
        async for row in rows:
            if self.fault is None:
                self._take(row)
            if self.fault is not None:
                await self._look_behind(row, rows)
                return self.fault
            await self._compare()
        return self.fault or self._ending()

    def _take(self, row: Row) -> None:
        due = self.at.position + 1
        if row["position"] != due:
            last = row["position"] - 1
            which = f"position {due} is" if last == due else f"positions {due} to {last} are"
            self._find(Tampering.MISSING, due, f"{which} missing")
        elif due > self._head.position:
            self._find(Tampering.INSERTED, due, f"the event at position {due} was inserted behind the sealed end")
        elif (found := link(self.at.chain_hash, row, due)) != row["chain_hash"]:
            self._find(
                Tampering.FLIPPED,
                due,
                f"what stands at position {due} is not what was sealed there: it was changed, or others were put in its place",
            )
        else:
            self.at = Place(position=due, chain_hash=found)

    async def _look_behind(self, row: Row, rows: AsyncIterator[Row]) -> None:
        """An event that does not fit was put in if the one behind it still follows the one before it."""
        if self.fault is None or self.fault.kind is not Tampering.FLIPPED:
            return
        behind = await anext(rows, None)
        due = self.at.position + 1
        if behind is not None and link(self.at.chain_hash, behind, due) == behind["chain_hash"]:
            self.fault = Fault(
                kind=Tampering.INSERTED, position=due, words=f"the event at position {row['position']} was inserted"
            )

    async def _compare(self) -> None:
        """Hold every checkpoint about the present place against it."""
        while self.fault is None and self._next is not None and self._next.position <= self.at.position:
            told = self._next
            if told.position == self.at.position and told.chain_hash != self.at.chain_hash:
                since = self._agreed.position + 1 if self._agreed else self._after.position + 1
                name = f"checkpoint {self._agreed.number}" if self._agreed else "the beginning"
                self._find(
                    Tampering.REWRITTEN,
                    since,
                    f"the log was rewritten since {name}, somewhere in positions {since} to {told.position}: "
                    f"checkpoint {told.number} signed another chain",
                )
                return
            if told.position == self.at.position:
                self.compared, self.signed_to = self.compared + 1, told.position
                self._agreed = told
            await self._load_next()

    async def _load_next(self) -> None:
        self._next = await anext(self._checkpoints, None)
        if self._next is None:
            return
        if not self._next.is_signed(self._believed):
            words = f"checkpoint {self._next.number} is not signed by a key that is believed ({self._next.key_id})"
            self._find(Tampering.CHECKPOINT, self._next.position, words)
        elif not self._next.follows(self._earlier):
            name = f"checkpoint {self._earlier.number}" if self._earlier else "the beginning"
            words = f"between {name} and checkpoint {self._next.number} checkpoints are missing or changed"
            self._find(Tampering.CHECKPOINT, self._next.position, words)
        self._earlier = self._next

    def _ending(self) -> Fault | None:
        told = self._next
        end = self._head.position
        if self.at.position < end:
            return self._find(
                Tampering.TRUNCATED, self.at.position + 1, f"the end is gone: events {self.at.position + 1} to {end}"
            )
        if told is not None and told.position > self.at.position and not self._is_part:
            return self._find(
                Tampering.TRUNCATED,
                self.at.position + 1,
                f"the end is gone: checkpoint {told.number} signed {told.position} events, here are {self.at.position}",
            )
        if self.at.chain_hash != self._head.chain_hash:
            since = self.signed_to + 1
            words = f"the log was rewritten, somewhere in positions {since} to {end}: the sealer left another end"
            return self._find(Tampering.REWRITTEN, since, words)
        return None

    def _find(self, kind: Tampering, position: int, words: str) -> Fault:
        self.fault = self.fault or Fault(kind=kind, position=position, words=words)
        return self.fault
