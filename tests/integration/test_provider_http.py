"""The certainty line, drawn on real sockets: every case is a server that misbehaves in one way."""

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rewardrails.providers.http import (
    HttpClient,
    HttpReply,
    MaybeSent,
    MaybeSentReason,
    NeverSent,
    NeverSentReason,
)
from rewardrails.secrets import Secret

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Speak = Callable[["Conversation"], Awaitable[None]]


@dataclass
class Conversation:
    """The server's side of one connection."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: "RawServer"

    async def read_request(self) -> bytes:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(
            (
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            ),
            0,
        )
        request = head + await self.reader.readexactly(length)
        self.server.requests.append(request)
        return request

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        self.writer.transport.abort()


@dataclass
class RawServer:
    """A TCP server that says exactly what it is told to; remembers every whole request it has read."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0


@asynccontextmanager
async def serving(speak: Speak, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    raw = RawServer(url="")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw.connections += 1
        try:
            await speak(Conversation(raw.connections, reader, writer, raw))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    raw.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield raw
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient(max_body_bytes=1_000)
    yield client
    await client.close()


async def post(client: HttpClient, url: str, *, timeout_seconds: float = 5.0) -> HttpReply:
    return await client.request("POST", url, body=b'{"pay":1}', timeout_seconds=timeout_seconds)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.promise("G1")
@pytest.mark.incident("I9")
async def test_a_refused_connection_was_never_sent(client: HttpClient) -> None:
    with pytest.raises(NeverSent) as caught:
        await post(client, f"http://127.0.0.1:{closed_port()}/")

    assert caught.value.reason is NeverSentReason.CONNECT_FAILED


@pytest.mark.promise("G1")
@pytest.mark.incident("I9")
async def test_an_unknown_name_was_never_sent(client: HttpClient) -> None:
    with pytest.raises(NeverSent) as caught:
        await post(client, "http://provider.invalid/")

    assert caught.value.reason is NeverSentReason.DNS


async def test_a_connection_that_is_not_accepted_in_time_was_never_sent(client: HttpClient) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, socket.socket() as waiting:
        waiting.connect(listener.getsockname())  # fills the queue: later handshakes get no answer
        with pytest.raises(NeverSent) as caught:
            await post(client, f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout_seconds=0.5)

    assert caught.value.reason is NeverSentReason.CONNECT_TIMEOUT


async def test_a_server_that_does_not_speak_tls_was_never_sent_anything(client: HttpClient) -> None:
    async def speak(conversation: Conversation) -> None:
        await conversation.reader.read(1)
        await conversation.say(OK)

    async with serving(speak) as server:
        with pytest.raises(NeverSent) as caught:
            await post(client, server.url.replace("http:", "https:"))

    assert caught.value.reason is NeverSentReason.TLS
    assert server.requests == []


async def test_an_untrusted_certificate_stops_before_the_first_byte(client: HttpClient, tmp_path: Path) -> None:
    async def speak(conversation: Conversation) -> None:
        await conversation.read_request()

    async with serving(speak, self_signed(tmp_path)) as server:
        with pytest.raises(NeverSent) as caught:
            await post(client, server.url)

    assert caught.value.reason is NeverSentReason.TLS
    assert server.requests == []


@pytest.mark.promise("G1")
@pytest.mark.incident("I9")
async def test_a_handshake_that_is_cut_off_was_never_sent(client: HttpClient) -> None:
    async def speak(conversation: Conversation) -> None:
        await conversation.reader.read(1)
        conversation.reset()

    async with serving(speak) as server:
        with pytest.raises(NeverSent):
            await post(client, server.url.replace("http:", "https:"))


async def never_answer(conversation: Conversation) -> None:
    await conversation.read_request()
    await conversation.reader.read()


async def reset_after_reading(conversation: Conversation) -> None:
    await conversation.read_request()
    conversation.reset()


async def hang_up_after_reading(conversation: Conversation) -> None:
    await conversation.read_request()


async def reset_before_reading(conversation: Conversation) -> None:
    conversation.reset()


async def promise_more_than_is_sent(conversation: Conversation) -> None:
    await conversation.read_request()
    await conversation.say(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")


async def break_off_a_chunk(conversation: Conversation) -> None:
    await conversation.read_request()
    await conversation.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhal")


async def say_too_much(conversation: Conversation) -> None:
    await conversation.read_request()
    await conversation.say(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + b"x" * 5000)


async def never_stop_talking(conversation: Conversation) -> None:
    await conversation.read_request()
    await conversation.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while not conversation.writer.is_closing():
        await conversation.say(b"64\r\n" + b"x" * 100 + b"\r\n")


async def say_no_http(conversation: Conversation) -> None:
    await conversation.read_request()
    await conversation.say(b"\x00\x01\x02 SSH-2.0 hello\r\n\r\n")


async def break_off_the_head(conversation: Conversation) -> None:
    await conversation.read_request()
    await conversation.say(b"HTTP/1.1 200 OK\r\ncontent-le")


async def send_an_endless_header(conversation: Conversation) -> None:
    await conversation.read_request()
    await conversation.say(b"HTTP/1.1 200 OK\r\nx-long: " + b"y" * 100_000 + b"\r\n\r\n")


async def drip(conversation: Conversation) -> None:
    await conversation.read_request()
    await conversation.say(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while not conversation.writer.is_closing():
        await conversation.say(b"x")
        await asyncio.sleep(0.05)


@pytest.mark.promise("G1")
@pytest.mark.incident("I9")
@pytest.mark.parametrize(
    ("speak", "reason"),
    [
        (never_answer, MaybeSentReason.TIMEOUT),
        (reset_after_reading, MaybeSentReason.DISCONNECTED),
        (hang_up_after_reading, MaybeSentReason.DISCONNECTED),
        (reset_before_reading, MaybeSentReason.DISCONNECTED),
        (promise_more_than_is_sent, MaybeSentReason.TRUNCATED),
        (break_off_a_chunk, MaybeSentReason.TRUNCATED),
        (say_too_much, MaybeSentReason.BODY_TOO_LARGE),
        (never_stop_talking, MaybeSentReason.BODY_TOO_LARGE),
        (say_no_http, MaybeSentReason.PROTOCOL),
        (break_off_the_head, MaybeSentReason.DISCONNECTED),
        (send_an_endless_header, MaybeSentReason.PROTOCOL),
        (drip, MaybeSentReason.TIMEOUT),
    ],
)
async def test_whatever_goes_wrong_after_connecting_may_have_been_sent(
    client: HttpClient, speak: Speak, reason: MaybeSentReason
) -> None:
    async with serving(speak) as server:
        with pytest.raises(MaybeSent) as caught:
            await post(client, server.url, timeout_seconds=0.6)

    assert caught.value.reason is reason
    assert len(server.requests) <= 1


@pytest.mark.promise("G1")
@pytest.mark.incident("I9")
@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE"])
async def test_a_request_that_dies_on_a_pooled_connection_is_not_sent_again(client: HttpClient, method: str) -> None:
    """aiohttp resends idempotent methods by itself when a kept connection turns out to be dead; ours must not."""

    async def answer_once_then_hang_up(conversation: Conversation) -> None:
        await conversation.read_request()
        await conversation.say(OK)
        await conversation.read_request()

    async with serving(answer_once_then_hang_up) as server:
        await post(client, server.url)
        with pytest.raises(MaybeSent) as caught:
            await client.request(method, server.url, timeout_seconds=5.0)

        assert caught.value.reason is MaybeSentReason.DISCONNECTED
        assert (server.connections, len(server.requests)) == (1, 2)


async def test_a_pooled_connection_the_server_has_closed_is_not_used(client: HttpClient) -> None:
    closed = asyncio.Event()

    async def answer_once(conversation: Conversation) -> None:
        await conversation.read_request()
        await conversation.say(OK)
        conversation.writer.close()
        await conversation.writer.wait_closed()
        closed.set()

    async with serving(answer_once) as server:
        await post(client, server.url)
        await closed.wait()
        for _ in range(5):  # turns of the loop in which the client hears of it
            await asyncio.sleep(0)
        reply = await post(client, server.url)

        assert reply.status == 200
        assert server.connections == 2


async def test_connections_are_kept_between_requests(client: HttpClient) -> None:
    async def answer_for_ever(conversation: Conversation) -> None:
        while True:
            await conversation.read_request()
            await conversation.say(OK)

    async with serving(answer_for_ever) as server:
        for _ in range(3):
            await post(client, server.url)

        assert (server.connections, len(server.requests)) == (1, 3)


@pytest.mark.promise("G6", "G7")
async def test_redirects_are_handed_back_not_followed(client: HttpClient) -> None:
    async def redirect(conversation: Conversation) -> None:
        await conversation.read_request()
        await conversation.say(b"HTTP/1.1 307 Go\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")

    async with serving(redirect) as server:
        reply = await post(client, server.url)

    assert reply.status == 307
    assert len(server.requests) == 1


@pytest.mark.promise("G6")
async def test_cookies_are_forgotten_and_compression_is_declined(client: HttpClient) -> None:
    async def hand_out_cookies(conversation: Conversation) -> None:
        while True:
            await conversation.read_request()
            await conversation.say(b"HTTP/1.1 200 OK\r\nset-cookie: a=b; path=/\r\ncontent-length: 2\r\n\r\nok")

    async with serving(hand_out_cookies) as server:
        await post(client, server.url)
        await post(client, server.url)

    assert not any(b"cookie:" in request.lower() for request in server.requests)
    assert all(b"accept-encoding: identity" in request.lower() for request in server.requests)


async def test_answers_come_whole_with_lower_cased_headers(client: HttpClient) -> None:
    async def refuse(conversation: Conversation) -> None:
        await conversation.read_request()
        await conversation.say(b"HTTP/1.1 422 No\r\nX-Request-Id: r-1\r\ncontent-length: 4\r\n\r\nnope")

    async with serving(refuse) as server:
        reply = await post(client, server.url)

    assert (reply.status, reply.headers["x-request-id"], reply.body) == (422, "r-1", b"nope")


async def test_secret_headers_arrive_open_and_the_body_unchanged(client: HttpClient) -> None:
    async def answer(conversation: Conversation) -> None:
        await conversation.read_request()
        await conversation.say(OK)

    async with serving(answer) as server:
        await client.request(
            "POST",
            f"{server.url}/v1?a=b",
            headers={"Authorization": Secret("Bearer canary")},
            body=b"\x00bytes",
            timeout_seconds=5.0,
        )

    assert server.requests[0].startswith(b"POST /v1?a=b HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer canary\r\n" in server.requests[0]
    assert server.requests[0].endswith(b"\r\n\r\n\x00bytes")


@pytest.mark.promise("G1")
async def test_the_guard_stops_a_request_before_anything_is_sent() -> None:
    class TransactionOpen(Exception):
        pass

    def guard() -> None:
        raise TransactionOpen

    async def answer(conversation: Conversation) -> None:
        await conversation.read_request()

    client = HttpClient(guard=guard)
    async with serving(answer) as server:
        with pytest.raises(TransactionOpen):
            await post(client, server.url)
        await client.close()

    assert server.connections == 0


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider.test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain = folder / "server.pem"
    chain.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context
