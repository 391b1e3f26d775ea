"""Bodies as nobody should send them, over a real socket: a typed refusal, soon, in little memory, and nothing stored."""

import gzip
import time
import tracemalloc

import pytest

from rewardrails.api.routes.webhooks import MAX_NOTICE_BYTES
from rewardrails.errors import ErrorCode
from tests.webhooks.door import Door
from tests.webhooks.hostile import BODIES, true_body
from tests.webhooks.raw_http import as_bytes, exchange, head

SOON_SECONDS = 5.0
LITTLE_BYTES = 32 * 1024 * 1024
CODES = {code.value for code in ErrorCode} - {ErrorCode.INTERNAL_ERROR.value}
CONTENT_TYPES = (
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-7",
    "",
    "\x7f" * 100,
    "x" * 5000,
)


ADDRESSES = ("", "/", "//one", "one/../two", "%00", "one%00", "o" * 5000, "%ff%fe", "one;x=1")
AMBIGUOUS_HEADS = (
    [(b"Content-Length", b"-1")],
    [(b"Content-Length", b"1e3")],
    [(b"Content-Length", b"10"), (b"Content-Length", b"11")],
    [(b"Content-Length", b"10"), (b"Transfer-Encoding", b"chunked")],
    [(b"Transfer-Encoding", b"chunked, identity")],
    [(b"Content-Length", b"9" * 40)],
    [(b"x\x00y", b"1")],
    [(b"x", b"\x00")],
    [(b"x y", b"1")],
)


@pytest.mark.promise("G4", "G8")
async def test_a_genuinely_signed_body_that_is_no_notice_is_refused_by_name(door: Door, trials):
    before = await door.api.row_counts()
    for name, make in BODIES.items():
        started = time.monotonic()

        reply = await door.deliver(make(door))

        assert (name, reply.status, reply.json["code"]) == (name, 422, "field_invalid")
        assert time.monotonic() - started < SOON_SECONDS
    assert await door.api.row_counts() == before
    trials(len(BODIES))


@pytest.mark.promise("G4", "G8")
async def test_an_unsigned_body_is_refused_before_anybody_reads_it(door: Door, trials):
    for make in BODIES.values():
        body = make(door)
        length = (b"Content-Length", str(len(body)).encode())
        unsigned = as_bytes({**door.one.notice(door.key, "paid").headers, "webhook-signature": "v1,AAAA"})

        reply = await exchange(door.port, head("one", [*unsigned, length]) + body)

        assert (reply.status, reply.json["code"]) == (401, "webhook_signature_invalid")
    assert await door.inbox() == []
    trials(len(BODIES))


@pytest.mark.promise("G8")
@pytest.mark.parametrize("size", [MAX_NOTICE_BYTES + 1, 4 * MAX_NOTICE_BYTES, 20 * MAX_NOTICE_BYTES])
@pytest.mark.parametrize("chunked", [False, True], ids=["with_length", "chunked"])
async def test_a_body_that_is_too_large_is_refused_in_little_memory(door: Door, size, chunked):
    headers = as_bytes(door.one.genuine(b"x").request().headers)
    piece = b"x" * 65536
    count = -(-size // len(piece))
    tracemalloc.start()

    if chunked:
        pieces = [b"%x\r\n" % len(piece) + piece + b"\r\n"] * count + [b"0\r\n\r\n"]
        reply = await exchange(door.port, head("one", [*headers, (b"Transfer-Encoding", b"chunked")]), *pieces)
    else:
        length = (b"Content-Length", str(count * len(piece)).encode())
        reply = await exchange(door.port, head("one", [*headers, length]), *[piece] * count)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (reply.status, reply.json["field"]) == (422, "body")
    assert peak < LITTLE_BYTES
    assert await door.inbox() == []


@pytest.mark.promise("G8")
async def test_a_compressed_bomb_is_never_unpacked(door: Door):
    bomb = gzip.compress(b"0" * 200 * 1024 * 1024, compresslevel=1)
    assert len(bomb) < MAX_NOTICE_BYTES
    tracemalloc.start()

    reply = await door.deliver(bomb, (b"Content-Encoding", b"gzip"), (b"Content-Type", b"application/json"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (reply.status, reply.json["code"]) == (422, "field_invalid")
    assert peak < LITTLE_BYTES


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity", "gzip, gzip"])
async def test_what_counts_is_the_body_as_it_came_whatever_it_is_called(door: Door, encoding):
    reply = await door.deliver(true_body(door), (b"Content-Encoding", encoding.encode()))
    await door.apply()

    assert (reply.status, await door.state()) == (200, "paid")


async def test_the_content_type_of_a_genuine_notice_does_not_matter(door: Door):
    for number, content_type in enumerate(CONTENT_TYPES):
        kind = (b"Content-Type", content_type.encode().replace(b"\x7f", b"\xc3\xbf"))

        reply = await door.deliver(true_body(door), kind, event=f"evt_{number}")

        assert reply.status == 200
    assert len(await door.inbox()) == len(CONTENT_TYPES)


@pytest.mark.promise("G8")
async def test_a_head_that_two_readers_could_read_differently_is_refused(door: Door):
    for lines in AMBIGUOUS_HEADS:
        reply = await exchange(door.port, head("one", lines) + b"0\r\n\r\n" + b"x" * 100)

        assert 400 <= reply.status < 500, lines
    assert await door.inbox() == []


@pytest.mark.promise("G8")
async def test_a_head_without_end_is_cut_off_in_little_memory(door: Door):
    line = b"x-more: " + b"y" * 8000 + b"\r\n"
    tracemalloc.start()

    many = await exchange(door.port, b"POST /v1/webhooks/one HTTP/1.1\r\n", *[line] * 2000)
    one_long = await exchange(door.port, b"POST /v1/webhooks/one HTTP/1.1\r\nx: ", *[b"y" * 65536] * 300)
    address = await exchange(door.port, b"POST /v1/webhooks/", *[b"y" * 65536] * 300)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert {many.status, one_long.status, address.status} <= {0, 400}
    assert peak < LITTLE_BYTES / 4


@pytest.mark.promise("G8")
async def test_an_address_that_names_no_provider_is_refused(door: Door):
    good = door.two.notice_of_nothing()
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in as_bytes(good.headers))
    for path in ADDRESSES:
        raw = b"POST /v1/webhooks/" + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n" + lines

        reply = await exchange(
            door.port, raw + b"Content-Length: " + str(len(good.body)).encode() + b"\r\n\r\n" + good.body
        )

        assert 400 <= reply.status < 500, path
        assert reply.json["code"] in CODES
    assert await door.inbox() == []
