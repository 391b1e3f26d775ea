"""A process that seals everything anew from master key a to b, a few values at a time: to be killed."""

import asyncio
import sys

from rewardrails.engine.reseal import reseal
from tests.integration.vault.worlds import ring, world


async def _run(dsn: str) -> None:
    async with world(dsn, [], ring("b", "a")) as core:
        print("begun", flush=True)  # noqa: T201 - the parent waits for it
        await reseal(core, actor="test", batch=5)


asyncio.run(_run(sys.argv[1]))
