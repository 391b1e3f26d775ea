"""A proxy before a PostgreSQL server that breaks connections at chosen statements.

It reads as much of the wire protocol as that needs: how messages are framed, where a client's statement ends (`Query` or
`Sync`; a `Flush` ends the preparing of one) and where the server's answer does (`ReadyForQuery`). No TLS and no COPY.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

SOCKET = ".s.PGSQL.5432"
HEADER_BYTES = 5
CANCEL_REQUEST = 80877102
QUERY, SYNC, FLUSH, TERMINATE = b"Q", b"S", b"H", b"X"
READY, NO_DATA, ROW_DESCRIPTION, ERROR, AUTHENTICATION = b"Z", b"n", b"T", b"E", b"R"
ENDS_OF_TURN = frozenset({QUERY, SYNC, FLUSH, TERMINATE})
PREPARED = frozenset({NO_DATA, ROW_DESCRIPTION, ERROR})
SHOWN = 60


class How(StrEnum):
    """Where in a statement's life the connection breaks."""

    BEFORE = "before"  # the server never hears of the statement
    DURING = "during"  # the server gets the first half of it
    LOST_REPLY = "lost_reply"  # the server has done it, and the client never learns
    AFTER = "after"  # the client has the answer, and then no connection any more


@dataclass(frozen=True, kw_only=True)
class Made:
    """A cut that was made: in which statement, and how."""

    number: int
    how: How
    statement: str


@dataclass
class Proxy:
    """Counts statements over all its connections, and cuts those that `arm` named."""

    dsn: str
    upstream: str | tuple[str, int]
    statements: int = 0
    made: list[Made] = field(default_factory=list)
    held: int = 0
    _cuts: Mapping[int, How] = field(default_factory=dict)
    _held_marker: str = ""
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def arm(self, cuts: Mapping[int, How]) -> None:
        """Count from one again, and cut in the statements with these numbers; opening a connection is a statement too."""
        self.statements, self._cuts = 0, cuts

    def hold_commits(self, marker: str) -> None:
        """Keep the answer to each COMMIT of a transaction that held a statement with `marker`, until `let_go`."""
        self._held_marker, self.held = marker, 0
        self._released.clear()

    def let_go(self) -> None:
        """Deliver the answers that were kept."""
        self._held_marker = ""
        self._released.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until it or a cut ends it."""
        writers = [writer]
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, OSError):
                if isinstance(self.upstream, str):
                    theirs, ours = await asyncio.open_unix_connection(self.upstream)
                else:
                    theirs, ours = await asyncio.open_connection(*self.upstream)
                writers.append(ours)
                await _Session(self, reader, writer, theirs, ours).run()
        finally:
            for one in writers:
                one.transport.abort()
            for one in writers:
                with suppress(ConnectionError, OSError):
                    await one.wait_closed()

    def take_cut(self, statement: str) -> How | None:
        """Count a statement; says how it is to be cut, if it is."""
        self.statements += 1
        return self._note(self.statements, statement, self._cuts.get(self.statements))

    def cuts_next_before(self, statement: str) -> bool:
        """Whether the statement that is being prepared must not reach the server."""
        if self._cuts.get(self.statements + 1) is not How.BEFORE:
            return False
        self.statements += 1
        self._note(self.statements, statement, How.BEFORE)
        return True

    def holds(self, statement: str) -> bool:
        """Whether a statement with the marker, so that its transaction's COMMIT is to be held."""
        return bool(self._held_marker) and self._held_marker in statement

    async def hold(self) -> None:
        """Wait until `let_go`."""
        self.held += 1
        await self._released.wait()

    def _note(self, number: int, statement: str, how: How | None) -> How | None:
        if how is not None:
            self.made.append(Made(number=number, how=how, statement=" ".join(statement.split())[:SHOWN]))
        return how


@asynccontextmanager
async def postgres_proxy(dsn: str) -> AsyncIterator[Proxy]:
    """A proxy before the server of `dsn`, on a Unix socket of its own; its `dsn` leads through it."""
    folder = Path(tempfile.mkdtemp(prefix="rr-px-"))  # not below pytest's: a socket's path may have 107 bytes
    proxy = Proxy(dsn=_through(dsn, folder), upstream=_upstream(dsn))
    clients: set[asyncio.Task[None]] = set()

    def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(proxy.serve(reader, writer))
        clients.add(task)
        task.add_done_callback(clients.discard)

    server = await asyncio.start_unix_server(welcome, folder / SOCKET)
    try:
        yield proxy
    finally:
        server.close()
        for client in list(clients):
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        shutil.rmtree(folder)


def _through(dsn: str, folder: Path) -> str:
    parts = urlsplit(dsn)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}", query=f"host={quote(str(folder))}"))


def _upstream(dsn: str) -> str | tuple[str, int]:
    parts = urlsplit(dsn)
    folder = parse_qs(parts.query).get("host", [""])[0]
    if folder.startswith("/"):
        return f"{folder}/{SOCKET}"
    return unquote(parts.hostname or "127.0.0.1"), parts.port or 5432


class _Over(ConnectionError):
    """This connection is over."""


class _Session:
    """One client's connection and the one behind it: turn by turn, the server's answer after the client's words."""

    def __init__(
        self,
        proxy: Proxy,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._client, self._to_client = client, to_client
        self._server, self._to_server = server, to_server
        self._prepared: dict[bytes, str] = {}
        self._holds = False

    async def run(self) -> None:
        """Until one of the two is gone."""
        await self._open()
        while True:
            words, kind, statement = await self._read_turn()
            match kind:
                case b"Q" | b"S":
                    await self._statement(words, statement)
                case b"H":
                    if self._proxy.cuts_next_before(statement):
                        raise _Over
                    await self._pass(words, PREPARED)
                case _:
                    await self._send(words)
                    raise _Over

    async def _open(self) -> None:
        head = await self._client.readexactly(8)
        words = head + await self._client.readexactly(int.from_bytes(head[:4], "big") - 8)
        if int.from_bytes(head[4:], "big") == CANCEL_REQUEST:
            await self._send(words)
            raise _Over
        await self._statement(words, "(opens a connection)")

    async def _statement(self, words: bytes, statement: str) -> None:
        how = self._proxy.take_cut(statement)
        self._holds = self._proxy.holds(statement) or (self._holds and not statement.startswith("BEGIN"))
        match how:
            case How.BEFORE:
                raise _Over
            case How.DURING:
                await self._send(words[: len(words) // 2])
                raise _Over
            case How.LOST_REPLY:
                await self._send(words)
                await self._answer(frozenset({READY}))
                raise _Over
            case How.AFTER:
                await self._pass(words, frozenset({READY}))
                raise _Over
            case None:
                await self._whole(words, statement)

    async def _whole(self, words: bytes, statement: str) -> None:
        await self._send(words)
        answer = await self._answer(frozenset({READY}))
        if self._holds and statement.startswith("COMMIT"):
            self._holds = False
            await self._proxy.hold()
        self._to_client.write(answer)
        await self._to_client.drain()

    async def _pass(self, words: bytes, ends: frozenset[bytes]) -> None:
        await self._send(words)
        self._to_client.write(await self._answer(ends))
        await self._to_client.drain()

    async def _send(self, words: bytes) -> None:
        self._to_server.write(words)
        await self._to_server.drain()

    async def _answer(self, ends: frozenset[bytes]) -> bytes:
        """What the server says up to a message that ends its answer; a question for a password ends it too."""
        said = bytearray()
        while True:
            try:
                kind, message = await _message(self._server)
            except asyncio.IncompleteReadError:
                self._to_client.write(bytes(said))  # its last words, such as why it goes
                await self._to_client.drain()
                raise
            said += message
            if kind in ends:
                return bytes(said)
            if kind == AUTHENTICATION and int.from_bytes(message[5:9], "big") not in {0, 12}:
                await self._ask_client(bytes(said))
                said.clear()

    async def _ask_client(self, question: bytes) -> None:
        self._to_client.write(question)
        await self._to_client.drain()
        _, words = await _message(self._client)
        await self._send(words)

    async def _read_turn(self) -> tuple[bytes, bytes, str]:
        words, statement = bytearray(), ""
        while True:
            kind, message = await _message(self._client)
            words += message
            statement = self._named(kind, message) or statement
            if kind in ENDS_OF_TURN:
                return bytes(words), kind, statement

    def _named(self, kind: bytes, message: bytes) -> str:
        """The SQL that a message carries or refers to."""
        body = message[HEADER_BYTES:]
        match kind:
            case b"Q":
                return body.rstrip(b"\0").decode()
            case b"P":
                name, _, rest = body.partition(b"\0")
                self._prepared[name] = rest.partition(b"\0")[0].decode()
                return self._prepared[name]
            case b"B":
                name = body.split(b"\0", 2)[1]
                return self._prepared.get(name, "")
        return ""


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(HEADER_BYTES)
    return head[:1], head + await reader.readexactly(int.from_bytes(head[1:], "big") - 4)
