"""The processes a measurement runs beside itself: `python -m bench.child ROLE`."""

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

import aiohttp
import uvicorn
import uvloop
from standardwebhooks.webhooks import Webhook

from bench.plain import work_plainly
from bench.world import reward
from rewardrails import clock, ids
from rewardrails.api.server import serve
from rewardrails.bootstrap import opened
from rewardrails.cli.running import collect_seldom
from rewardrails.config import Config
from rewardrails.domain.assets import format_amount
from rewardrails.domain.policy.verdict import Judgement
from rewardrails.engine import last_look
from rewardrails.engine import send as engine_send
from rewardrails.engine.core import Core
from rewardrails.engine.gates.facts import Candidate
from rewardrails.engine.gates.judging import Judged
from rewardrails.observability import log
from rewardrails.store.database import Connection
from rewardrails.testing.fake_provider.transport import Message, Receive, Send
from rewardrails.worker.worker import Worker

LONGEST_SECONDS = 900
_go = asyncio.Event()


def ready() -> None:
    """Tell the parent."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def told(**figures: float) -> None:
    """Hand figures to the parent."""
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


async def api(core: Core, port: str) -> None:
    """The API alone."""
    await serve(core, host="127.0.0.1", port=int(port), stop=asyncio.Event(), on_ready=lambda _port: ready())


async def worker(core: Core) -> None:
    """One worker."""
    ready()
    await Worker(core).run()


async def ungated(core: Core) -> None:
    """One worker that asks no gate."""

    async def wave_through(  # its arguments are those of what it stands in for
        core: Core,  # noqa: ARG001
        connection: Connection,  # noqa: ARG001
        candidates: Sequence[Candidate],
        *,
        leaving_within: timedelta | None = None,  # noqa: ARG001
        every_counter: bool = False,  # noqa: ARG001
    ) -> list[Judged]:
        return [Judged(candidate=candidate, judgement=Judgement(verdicts=())) for candidate in candidates]

    engine_send.look = wave_through  # type: ignore[attr-defined]
    last_look.look = wave_through  # type: ignore[attr-defined]
    await worker(core)


async def plain(core: Core, count: str) -> None:
    """One job, one transaction, one call after the other."""
    ready()
    started = time.perf_counter()
    await work_plainly(core, core.providers["fake"], int(count))
    told(seconds=time.perf_counter() - started)
    await asyncio.Event().wait()


async def endpoint(_core: Core, port: str) -> None:
    """A game that takes every event."""

    async def app(_scope: Message, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(app, port=int(port), loop="none", lifespan="off", access_log=False, log_level="error")
    ready()
    await uvicorn.Server(config).serve()


async def creates(_core: Core, port: str, token: str, count: str) -> None:
    """POST single payouts over 64 connections."""
    url, headers = f"http://127.0.0.1:{port}/v1/payouts", {"Authorization": f"Bearer {token}"}

    async def one(session: aiohttp.ClientSession, number: int) -> None:
        row = reward(number)
        body = {
            "campaign": row.campaign,
            "reward_id": str(ids.new_id()),
            "player_id": row.player_id,
            "amount": format_amount(row.amount_minor, 2),
            "asset": row.asset,
            "jurisdiction": row.jurisdiction,
            "destination_kind": row.destination.kind,
            "destination": row.destination.value,
        }
        async with session.post(url, json=body, headers=headers | {"Idempotency-Key": str(number)}) as answer:
            if answer.status != 201:
                raise RuntimeError(await answer.text())
            await answer.read()

    await _over_connections(64, int(count), one)


async def notices(_core: Core, port: str, secret: str, count: str) -> None:
    """POST signed notices of unknown payouts over 64 connections."""
    url, signer = f"http://127.0.0.1:{port}/v1/webhooks/fake", Webhook(secret)
    ready_made = []
    for number in range(int(count)):
        now, name = clock.now(), f"msg_{ids.new_id().hex}"
        body = json.dumps(_notice(number, name), separators=(",", ":"))
        headers = {
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signer.sign(name, now, body),
        }
        ready_made.append((headers, body.encode()))

    async def one(session: aiohttp.ClientSession, number: int) -> None:
        headers, body = ready_made[number]
        async with session.post(url, data=body, headers=headers) as answer:
            if answer.status != 200:
                raise RuntimeError(await answer.text())
            await answer.read()

    await _over_connections(64, int(count), one)


def _notice(number: int, name: str) -> dict[str, object]:
    return {
        "id": name,
        "type": "payout.paid",
        "data": {
            "id": f"po_{number}",
            "reference": f"{number:032x}-1",
            "status": "paid",
            "amount": "10.00",
            "asset": "EUR",
            "destination": {"kind": "paypal_email", "value": "player@example.org", "memo": ""},
            "fee": "0.00",
            "livemode": False,
        },
    }


async def _over_connections(
    connections: int, count: int, one: Callable[[aiohttp.ClientSession, int], Awaitable[None]]
) -> None:
    numbers = iter(range(count))

    async def lane(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            await one(session, number)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        ready()
        await _told_to_go()
        started = time.perf_counter()
        await asyncio.gather(*(lane(session) for _ in range(connections)))
        told(seconds=time.perf_counter() - started)
    await asyncio.Event().wait()


def _listen(loop: asyncio.AbstractEventLoop) -> None:
    """A line from the parent says go; the end of its pipe says that the parent is gone."""
    if sys.stdin.readline():
        loop.call_soon_threadsafe(_go.set)
        sys.stdin.read()
    os._exit(0)


async def _told_to_go() -> None:
    await _go.wait()


ROLES = {role.__name__: role for role in (api, worker, ungated, plain, endpoint, creates, notices)}


async def main() -> None:
    """Play the role named on the command line until the parent ends."""
    log.configure(level="ERROR")
    signal.alarm(LONGEST_SECONDS)  # whatever hangs ends
    threading.Thread(target=_listen, args=(asyncio.get_running_loop(),), daemon=True).start()
    collect_seldom()
    config = Config.parse(os.environ["BENCH_CONFIG"])
    async with opened(config, folder=Path(os.environ["BENCH_FOLDER"]), process=sys.argv[1]) as core:
        await ROLES[sys.argv[1]](core, *sys.argv[2:])


if __name__ == "__main__":
    uvloop.run(main())
