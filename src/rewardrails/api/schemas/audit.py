"""Signed checkpoints as the API shows them."""

from datetime import datetime
from typing import Self

from rewardrails.api.schemas.common import Out
from rewardrails.events.checkpoint import Checkpoint


class CheckpointOut(Out):
    """One checkpoint, exactly as it was signed; bytes in hexadecimal digits."""

    number: int
    position: int
    chain_hash: str
    time: datetime
    key_id: str
    previous: str
    signature: str

    @classmethod
    def of(cls, one: Checkpoint) -> Self:
        """A checkpoint as it is shown."""
        return cls(
            number=one.number,
            position=one.position,
            chain_hash=one.chain_hash.hex(),
            time=one.time,
            key_id=one.key_id,
            previous=one.previous.hex(),
            signature=one.signature.hex(),
        )


class CheckpointPage(Out):
    """Checkpoints in order, and the key whose signatures count now (64 hexadecimal digits)."""

    public_key: str
    checkpoints: list[CheckpointOut]
    next_cursor: str | None
