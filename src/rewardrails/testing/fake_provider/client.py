"""The fake provider's process from outside: start, kill, restart, steer and count it."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import msgspec

from rewardrails.testing.fake_provider.wire import (
    DisguiseRequest,
    FloatRequest,
    MixRequest,
    MoveRequest,
    OutageRequest,
    PausedRequest,
    RuleRequest,
    Totals,
)

STOP_SECONDS = 10.0
CONTROL_SECONDS = 30.0


class FakeProviderProcess:
    """One fake provider; an async context manager that starts it on a free port and stops it at the end.

    `folder` is its memory: journal and secret files. `arguments` are those of its command line, port and journal aside.
    It is bound to no event loop; `launch` and `end` serve where there is none.
    """

    def __init__(self, folder: Path, *, arguments: Sequence[str] = (), port: int = 0) -> None:
        self.folder = folder
        self.url = ""
        self._arguments = tuple(arguments)
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self.control = Control(self)

    @property
    def token(self) -> str:
        """The API's bearer token."""
        return self._read("token")

    @property
    def control_token(self) -> str:
        """The control API's bearer token."""
        return self._read("control-token")

    @property
    def webhook_secret(self) -> str:
        """The secret webhooks are signed with, as `whsec_...`."""
        return self._read("webhook-secret")

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / "journal.jsonl"

    def launch(self) -> None:
        """Start it and wait until it answers; after the first time on the same port. Raises `RuntimeError`."""
        # The pipe on its standard input ends with this process, and the provider with the pipe.
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "rewardrails.testing.fake_provider"),
                *("--journal", str(self.folder), "--port", str(self._port), "--end-with-stdin"),
                *self._arguments,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise RuntimeError(f"the fake provider ended with code {code} before it was ready: see its words above")
        self.url = json.loads(line)["url"]
        self._port = int(self.url.rpartition(":")[2])

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal and wait until it is gone; SIGKILL follows if it takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()

    async def start(self) -> None:
        """`launch`, without holding up the event loop."""
        await asyncio.to_thread(self.launch)

    async def kill(self) -> None:
        """Kill it on the spot (SIGKILL): connections break, later ones are refused."""
        await asyncio.to_thread(self.end, signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to stop (SIGTERM), and wait."""
        await asyncio.to_thread(self.end)

    async def restart(self) -> None:
        """Kill it if it runs and start it again with the same port, journal and secrets."""
        await self.kill()
        await self.start()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    def _read(self, name: str) -> str:
        return (self.folder / name).read_text().strip()


class Control:
    """The control API; every method raises `RuntimeError` when the provider says no."""

    def __init__(self, process: FakeProviderProcess) -> None:
        self._process = process

    async def behave(
        self,
        behaviour: str,
        *,
        code: str = "",
        reference: str = "*",
        destination: str = "*",
        times: int | None = None,
    ) -> None:
        """Choose a behaviour for creations whose reference and destination match (shell globs)."""
        rule = RuleRequest(behaviour=behaviour, code=code, reference=reference, destination=destination, times=times)
        await self._post("rules", rule)

    async def forget_rules(self) -> None:
        """Back to the mix."""
        await self._ask("DELETE", "rules")

    async def mix(self, mix: str, *, seed: int = 0, by_destination: bool = False) -> None:
        """Replace the weighted mix, as in `settle=35,webhook=65`."""
        await self._post("mix", MixRequest(mix=mix, seed=seed, by_destination=by_destination))

    async def outage(self, mode: str) -> None:
        """`unavailable` (503 before anything), `hang`, or `off`; for refused connections, `kill()` the process."""
        await self._post("outage", OutageRequest(mode=mode))

    async def hold_webhooks(self) -> None:
        """Send no webhooks until `release_webhooks`."""
        await self._post("webhooks", PausedRequest(paused=True))

    async def release_webhooks(self) -> None:
        """Send what was held back."""
        await self._post("webhooks", PausedRequest(paused=False))

    async def set_float(self, asset: str, amount: str | None) -> None:
        """What is left to pay out of, as a decimal string; None for no end."""
        await self._post("float", FloatRequest(asset=asset, amount=amount))

    async def move(self, reference: str, status: str, *, code: str = "", notify: bool = True) -> None:
        """Make `status` the truth about a payout (named by reference or id)."""
        await self._post("moves", MoveRequest(reference=reference, status=status, code=code, notify=notify))

    async def send_back(self, reference: str) -> None:
        """A late reversal: the money of a paid payout returns."""
        await self.move(reference, "returned", code="returned_by_bank")

    async def disguise(
        self, reference: str, *, amount: str | None = None, destination: str | None = None, status: str | None = None
    ) -> None:
        """Show a payout with other data than the truth."""
        await self._post(
            "disguises", DisguiseRequest(reference=reference, amount=amount, destination=destination, status=status)
        )

    async def totals(self) -> Totals:
        """What was accepted and what money left."""
        return msgspec.json.decode(await self._ask("GET", "totals"), type=Totals)

    async def _post(self, path: str, request: msgspec.Struct) -> None:
        await self._ask("POST", path, msgspec.json.encode(request))

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        process = self._process
        headers = {"Authorization": f"Bearer {process.control_token}"}
        timeout = aiohttp.ClientTimeout(total=CONTROL_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, f"{process.url}/_control/{path}", data=body, headers=headers) as reply,
        ):
            answer = await reply.read()
            if reply.status != 200:
                raise RuntimeError(f"the fake provider refused {method} {path}: {answer.decode(errors='replace')}")
            return answer
