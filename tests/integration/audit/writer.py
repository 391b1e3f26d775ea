"""A process that writes checkpoints as fast as it can until it is killed: `python -m ... FOLDER`."""

import asyncio
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from rewardrails.events.checkpoint import Checkpoint
from rewardrails.events.checkpoint_store import CheckpointTaken, FolderStore
from rewardrails.events.signing import SigningKey


async def write_on(folder: Path) -> None:
    store, key = FolderStore(folder), SigningKey(b"s" * 32)
    while True:
        last = await store.last()
        position = last.position + 1 if last else 1
        made = Checkpoint.sign(
            key,
            after=last,
            position=position,
            chain_hash=sha256(str(position).encode()).digest(),
            time=datetime.now(UTC),
        )
        try:
            await store.append(made)
        except CheckpointTaken:
            continue
        sys.stdout.write(f"{made.number} {made.digest.hex()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(write_on(Path(sys.argv[1])))
