"""`rewardrails serve`: API, worker and status page in one process."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated

import uvloop
from cyclopts import Parameter, validators

from rewardrails.api.server import serve as serve_api
from rewardrails.bootstrap import opened
from rewardrails.cli.admin_key import ensure_admin_key
from rewardrails.cli.needs import needs_nobody
from rewardrails.cli.running import prepare, stopping
from rewardrails.cli.session import Here, Session
from rewardrails.engine.core import Core
from rewardrails.worker.worker import Worker

CONNECTIONS = 24


@needs_nobody("runs the service; whoever can start it holds the master key")
def serve(
    *,
    host: str | None = None,
    port: Annotated[int | None, Parameter(validator=validators.Number(gte=0, lte=65535))] = None,
    end_with_stdin: Annotated[bool, Parameter(negative="", show=False)] = False,
    session: Here,
) -> None:
    """Run everything: the API, a worker and the status page.

    Without a configured database a PostgreSQL is run in ./.rewardrails. Stop with Ctrl-C: what is under way comes home.

    Parameters
    ----------
    host
        Where to listen, instead of [server] host.
    port
        On which port, instead of [server] port; 0 takes a free one.
    """
    uvloop.run(_serve(session, host=host, port=port, end_with_stdin=end_with_stdin))


async def _serve(session: Session, *, host: str | None, port: int | None, end_with_stdin: bool) -> None:
    config = session.config()
    prepare(config, session.output)
    address = host or config.server.host
    with stopping(with_stdin=end_with_stdin) as stop:
        async with opened(config, folder=session.folder, process="serve", connections=CONNECTIONS) as core:
            made = await ensure_admin_key(core, session.folder)
            if made is not None:
                session.output.say(f"first start: an admin API key was made and put into {made} (only you can read it)")

            def ready(actual_port: int) -> None:
                shown = f"[{address}]" if ":" in address else address
                url = f"http://{shown}:{actual_port}"
                session.output.show(
                    {"url": url, "admin_key_file": str(made) if made else None},
                    f"listening on {url} (status page /, API /v1, its description /openapi.json, figures /metrics)",
                )

            await _run_both(core, address, config.server.port if port is None else port, stop, ready)
    session.output.say("stopped")


async def _run_both(core: Core, host: str, port: int, stop: asyncio.Event, ready: Callable[[int], None]) -> None:
    """API and worker side by side; when one ends, so does the other."""
    worker = Worker(core)

    async def stop_worker() -> None:
        await stop.wait()
        worker.stop()

    async def ending(part: Coroutine[object, object, None]) -> None:
        try:
            await part
        finally:
            stop.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(stop_worker())
        group.create_task(ending(serve_api(core, host=host, port=port, stop=stop, on_ready=ready)))
        group.create_task(ending(worker.run()))
