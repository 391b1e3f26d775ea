"""One signed checkpoint: the log's length and chain hash at a moment, chained to the checkpoint before it."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from rewardrails.events.signing import Believed, SigningKey

FIRST = bytes(32)
"""What the first checkpoint names as the one before it."""
_KEYS = {"v", "number", "position", "chain_hash", "time", "key_id", "previous", "signature"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """`chain_hash` (32 bytes) is that of the event at `position`; `previous` the digest of checkpoint `number` - 1."""

    number: int
    position: int
    chain_hash: bytes
    time: datetime
    key_id: str
    previous: bytes
    signature: bytes = field(repr=False)

    @classmethod
    def sign(
        cls, key: SigningKey, *, after: "Checkpoint | None", position: int, chain_hash: bytes, time: datetime
    ) -> "Checkpoint":
        """The checkpoint that follows `after`."""
        number, previous = (after.number + 1, after.digest) if after else (1, FIRST)
        statement = _statement(
            number=number, position=position, chain_hash=chain_hash, time=time, key_id=key.key_id, previous=previous
        )
        return cls(
            number=number,
            position=position,
            chain_hash=chain_hash,
            time=time,
            key_id=key.key_id,
            previous=previous,
            signature=key.sign(statement),
        )

    @classmethod
    def read(cls, line: bytes) -> "Checkpoint | None":
        """The checkpoint of a line; None when it is none, as after a crash in the middle of writing it."""
        try:
            found = json.loads(line)
            if not isinstance(found, dict) or found.keys() != _KEYS or found["v"] != 1:
                return None
            return cls(
                number=int(found["number"]),
                position=int(found["position"]),
                chain_hash=bytes.fromhex(found["chain_hash"]),
                time=datetime.fromisoformat(found["time"]),
                key_id=str(found["key_id"]),
                previous=bytes.fromhex(found["previous"]),
                signature=bytes.fromhex(found["signature"]),
            )
        except (ValueError, TypeError, RecursionError):
            return None

    @property
    def statement(self) -> bytes:
        """What is signed: lines of text."""
        return _statement(
            number=self.number,
            position=self.position,
            chain_hash=self.chain_hash,
            time=self.time,
            key_id=self.key_id,
            previous=self.previous,
        )

    @property
    def digest(self) -> bytes:
        """What the next checkpoint names as `previous` (32 bytes)."""
        return sha256(self.statement + self.signature).digest()

    def as_dict(self) -> dict[str, str | int]:
        """Its fields as JSON shows them."""
        return {
            "v": 1,
            "number": self.number,
            "position": self.position,
            "chain_hash": self.chain_hash.hex(),
            "time": self.time.isoformat(),
            "key_id": self.key_id,
            "previous": self.previous.hex(),
            "signature": self.signature.hex(),
        }

    def line(self) -> bytes:
        """Itself as one line of JSON, its end included."""
        return json.dumps(self.as_dict(), separators=(",", ":")).encode() + b"\n"

    def is_signed(self, believed: Believed) -> bool:
        """Whether a key that we believe signed it."""
        return believed.signed(self.statement, self.signature, self.key_id)

    def follows(self, earlier: "Checkpoint | None") -> bool:
        """Whether it comes right behind `earlier` (None: is the first)."""
        if earlier is None:
            return self.number == 1 and self.previous == FIRST
        return (
            self.number == earlier.number + 1 and self.previous == earlier.digest and self.position >= earlier.position
        )


def _statement(*, number: int, position: int, chain_hash: bytes, time: datetime, key_id: str, previous: bytes) -> bytes:
    lines = ("rewardrails checkpoint 1", number, position, chain_hash.hex(), time.isoformat(), key_id, previous.hex())
    return "\n".join(map(str, lines)).encode()
