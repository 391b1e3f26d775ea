"""A season's company: fake providers as processes, each with a campaign of its name, and an engine with nobody at work."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from rewardrails.bootstrap import opened
from rewardrails.config import Config
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from tests.support import stage as stages
from tests.support.stage import FUNDED, HEAD, PROFILES, Rail, Stage, fund

CAMPAIGN = """
[campaigns.%(name)s]
jurisdictions = ["DE"]
pools = { EUR = "season-eur" }
[[routes]]
campaign = "%(name)s"
destination_kind = "paypal_email"
provider = "%(name)s"
"""
# The promises that the ordinary stage does without: they show only in batches, or weeks later.
EVERY_PROFILE: Mapping[str, Rail] = {
    **PROFILES,
    "dedupe-batch": Rail(arguments=("--profile", "dedupe-batch"), settings='dedupe_scope = "batch"'),
    "batch-not-atomic": Rail(arguments=("--profile", "batch-not-atomic")),
    "late-reversal": Rail(arguments=("--profile", "late-reversal"), settings="reversal_horizon_seconds = 60.0"),
}


@asynccontextmanager
async def company(
    folder: Path, dsn: str, rails: Mapping[str, Rail], *, served_here: bool, late_seconds: float = 1.5
) -> AsyncIterator[Stage]:
    """Providers by campaign. `served_here` serves the API, for webhooks, in this process; otherwise its port is free.

    `late_seconds` is how long a provider that accepts late takes.
    """
    port = stages._free_port()
    times = ("--settle-seconds", "0.05", "--return-seconds", "0.2", "--late-seconds", str(late_seconds))
    processes = {
        name: FakeProviderProcess(folder / name, arguments=(*times, *_webhooks_to(port, name), *rail.arguments))
        for name, rail in rails.items()
    }
    async with AsyncExitStack() as stack:
        for process in processes.values():
            stack.push_async_callback(process.stop)
        await asyncio.gather(*(process.start() for process in processes.values()))
        path = folder / "rewardrails.toml"
        sections = [stages._section(replace(rail, name=name), processes[name]) for name, rail in rails.items()]
        campaigns = [CAMPAIGN % {"name": name} for name in rails]
        head = HEAD % {"port": port, "breaker_failures": 1000, "breaker_seconds": 1.0}
        path.write_text(head + "".join(sections + campaigns))
        core = await stack.enter_async_context(
            opened(Config.load(path, {"DATABASE_URL": dsn}), folder=folder, process="test")
        )
        await fund(core, FUNDED)
        if served_here:
            await stack.enter_async_context(stages._serving(core, port))
        yield Stage(core=core, rails=processes, dsn=dsn, config=path, folder=folder, api=f"http://127.0.0.1:{port}")


def _webhooks_to(port: int, name: str) -> tuple[str, str]:
    return "--webhook-url", f"http://127.0.0.1:{port}/v1/webhooks/{name}"
