"""Processes of the fake provider, and its adapter connected to them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from rewardrails.providers.fake.provider import FakeProvider
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from tests.support.fake_rail import FAST, HASTY_SECONDS, Mailbox, connected, running


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    app = web.Application()
    app.router.add_post("/hooks", box.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    box.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
    yield box
    await runner.cleanup()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeProviderProcess]:
    process = FakeProviderProcess(tmp_path_factory.mktemp("shared"), arguments=FAST)
    process.launch()
    yield process
    process.end()


@pytest.fixture
async def steady(shared: FakeProviderProcess) -> FakeProviderProcess:
    """A process without webhooks that many tests use; each counts only its own payouts."""
    await shared.control.forget_rules()
    await shared.control.outage("off")
    return shared


@pytest.fixture
async def steady_rail(steady: FakeProviderProcess) -> AsyncIterator[FakeProvider]:
    async with connected(steady) as provider:
        yield provider


@pytest.fixture
async def hasty_rail(steady: FakeProviderProcess) -> AsyncIterator[FakeProvider]:
    """Does not wait long for an answer."""
    async with connected(steady, patience_seconds=HASTY_SECONDS) as provider:
        yield provider


@pytest.fixture
async def process(tmp_path: Path, mailbox: Mailbox) -> AsyncIterator[FakeProviderProcess]:
    async with running(tmp_path, "--webhook-url", mailbox.url) as started:
        yield started


@pytest.fixture
async def rail(process: FakeProviderProcess) -> AsyncIterator[FakeProvider]:
    async with connected(process) as provider:
        yield provider
