"""`rewardrails worker`: one more worker."""

import asyncio
from typing import Annotated

import uvloop
from cyclopts import Parameter

from rewardrails.bootstrap import opened
from rewardrails.cli.needs import needs_nobody
from rewardrails.cli.running import prepare, stopping
from rewardrails.cli.session import Here, Session
from rewardrails.worker.worker import Worker

CONNECTIONS = 16


@needs_nobody("runs the service; whoever can start it holds the master key")
def worker(*, end_with_stdin: Annotated[bool, Parameter(negative="", show=False)] = False, session: Here) -> None:
    """Run one worker; any number of them share the database, on any number of machines.

    Stop with Ctrl-C: what is under way comes home. Killing one is safe too: another asks the rails what became of it.
    """
    uvloop.run(_work(session, end_with_stdin=end_with_stdin))


async def _work(session: Session, *, end_with_stdin: bool) -> None:
    config = session.config()
    prepare(config, session.output)
    with stopping(with_stdin=end_with_stdin) as stop:
        async with opened(config, folder=session.folder, process="worker", connections=CONNECTIONS) as core:
            one = Worker(core)
            session.output.show({"worker": core.actor}, f"working as {core.actor}")
            running = asyncio.create_task(one.run())
            asked = asyncio.create_task(stop.wait())
            await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
            one.stop()
            asked.cancel()
            await running
    session.output.say("stopped")
