"""Who drips is cut off, and holds up nobody meanwhile."""

import asyncio
import time

import pytest

from rewardrails.api import connection, patience
from tests.webhooks.door import Door
from tests.webhooks.raw_http import as_bytes, exchange, head

LIMIT_SECONDS = 0.5
# Far below the time that the drips would take, far above what a busy machine needs to notice.
ENOUGH_SECONDS = 10.0
DRIPPERS = 50


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_SECONDS", LIMIT_SECONDS)
    monkeypatch.setattr(connection, "HEAD_SECONDS", LIMIT_SECONDS)


def drips(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


async def go_on_for(seconds: float, writer: asyncio.StreamWriter) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        writer.write(b"x" * 1000)
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.promise("G8")
async def test_a_body_that_drips_is_refused(door: Door):
    good, started = door.one.notice(door.key, "paid"), time.monotonic()
    length = (b"Content-Length", str(len(good.body)).encode())

    reply = await exchange(
        door.port, head("one", [*as_bytes(good.headers), length]), *drips(good.body), pause_seconds=0.1
    )

    assert (reply.status, reply.json["field"]) == (422, "body")
    assert time.monotonic() - started < ENOUGH_SECONDS
    assert await door.inbox() == []


@pytest.mark.promise("G8")
async def test_a_body_that_never_comes_is_refused(door: Door):
    reply = await exchange(door.port, head("one", [(b"Content-Length", b"100")]))

    assert (reply.status, reply.json["code"]) == (422, "field_invalid")


@pytest.mark.promise("G8")
@pytest.mark.parametrize("path", ["/v1/payouts", "/v1/batches"])
async def test_the_callers_of_the_other_doors_are_not_waited_for_either(door: Door, path):
    lines = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.api.token}\r\nIdempotency-Key: k\r\n"
        "Content-Type: text/csv\r\nContent-Length: 1000\r\n\r\n"
    )

    reply = await exchange(door.port, lines.encode(), b"reward_id")

    assert 400 <= reply.status < 500


@pytest.mark.promise("G8")
@pytest.mark.parametrize(
    "pieces", [[], [b"\r\n"] * 100, drips(b"POST /v1/webhooks/one HTTP/1.1\r\n" + b"x: y\r\n" * 20)]
)
async def test_a_head_that_drips_or_never_comes_ends_the_connection(door: Door, pieces):
    started = time.monotonic()

    reply = await exchange(door.port, *pieces, pause_seconds=0.1)

    assert reply.status == 0
    assert time.monotonic() - started < ENOUGH_SECONDS


@pytest.mark.promise("G8")
async def test_a_refused_body_that_goes_on_for_ever_ends_the_connection(door: Door):
    started = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"POST /v1/payouts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
    refusal = await reader.readuntil(b"\r\n\r\n")

    with pytest.raises(ConnectionError):
        await go_on_for(ENOUGH_SECONDS, writer)

    assert refusal.startswith(b"HTTP/1.1 401")
    assert time.monotonic() - started < ENOUGH_SECONDS
    writer.close()


@pytest.mark.promise("G8")
async def test_fifty_who_drip_hold_up_nobody(door: Door):
    slow = [
        asyncio.create_task(
            exchange(door.port, head("one", [(b"Content-Length", b"1000")]), *[b"x"] * 3, pause_seconds=0.1)
        )
        for _ in range(DRIPPERS)
    ]
    reply = await door.tell("paid")
    await door.apply()

    assert (reply.status, await door.state()) == (200, "paid")
    assert {one.status for one in await asyncio.gather(*slow)} == {422}


@pytest.mark.promise("G2", "G8")
async def test_a_connection_that_is_kept_serves_again_after_a_while(door: Door):
    """The limits are of heads and bodies, not of connections."""
    for event in ("evt_1", "evt_2"):
        async with door.api.session.get("/healthz") as answer:
            assert answer.status == 200
        await asyncio.sleep(2 * LIMIT_SECONDS)
        assert (await door.tell("paid", event=event)).status == 200
    connections = door.api.session.connector
    assert connections is not None
    assert sum(map(len, connections._conns.values())) == 1
