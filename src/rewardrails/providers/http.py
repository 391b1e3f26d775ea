"""The one way out to a provider: aiohttp, drawn so that a failure says whether the request can have been acted upon.

    TransportError
    ├── NeverSent    not one byte of the request left: name lookup, connect, TLS handshake
    └── MaybeSent    everything else: silence, reset, truncated, oversized or malformed answer

Nothing is retried, redirected, decompressed or remembered (no cookies, no proxy or netrc from the environment).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp

from rewardrails.secrets import Secret

DEFAULT_MAX_BODY_BYTES = 1_048_576
DEFAULT_CONNECT_TIMEOUT_SECONDS = 5.0
DEFAULT_READ_TIMEOUT_SECONDS = 30.0
# Above any `max_in_flight`, which is the real bound: waiting for a connection counts as failing to connect.
DEFAULT_MAX_CONNECTIONS = 1_000
# Shorter than the idle timeout of common servers (5 s and up): a POST on a connection that the other side is just
# closing is an unknown outcome, so we let go first.
IDLE_SECONDS = 4.0
# The connect limit ends before the total one, so that running out of time while connecting stays a certain failure.
CONNECT_SHARE_OF_TOTAL = 0.8

# Methods that aiohttp itself never sends twice; for the others `_SendOnce` sees to it.
_NEVER_RESENT = frozenset({"POST", "PATCH"})

Guard = Callable[[], None]
HeaderValue = str | Secret


class NeverSentReason(StrEnum):
    """Why not one byte of the request left."""

    DNS = "dns"
    CONNECT_FAILED = "connect_failed"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"


class MaybeSentReason(StrEnum):
    """Why we cannot know what the request did."""

    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    BODY_TOO_LARGE = "body_too_large"
    TRUNCATED = "truncated"
    PROTOCOL = "protocol"


class TransportError(Exception):
    """No usable answer; catch one of the two subclasses."""


class NeverSent(TransportError):
    """The provider cannot have seen the request."""

    def __init__(self, reason: NeverSentReason) -> None:
        super().__init__(f"the request was never sent: {reason}")
        self.reason = reason


class MaybeSent(TransportError):
    """The provider may have seen the request and may have acted on it."""

    def __init__(self, reason: MaybeSentReason) -> None:
        super().__init__(f"the request may have been sent: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """A complete answer of any status; header names are lower-cased, a repeated header keeps its last value."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def unguarded() -> None:
    """Stand-in where no store is attached (tools and tests of adapters alone)."""


class HttpClient:
    """One provider's connections; made lazily on the running loop, ended by `close()`.

    `guard` runs before every request and raises while a database transaction is open. `max_body_bytes` bounds every answer;
    an adapter whose provider has longer ones sets it before its first request.
    """

    def __init__(
        self,
        *,
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
        connect_timeout_seconds: float = DEFAULT_CONNECT_TIMEOUT_SECONDS,
        read_timeout_seconds: float = DEFAULT_READ_TIMEOUT_SECONDS,
        guard: Guard = unguarded,
    ) -> None:
        self.guard = guard
        self._max_connections = max_connections
        self.max_body_bytes = max_body_bytes
        self._connect_timeout_seconds = connect_timeout_seconds
        self._read_timeout_seconds = read_timeout_seconds
        self._session: aiohttp.ClientSession | None = None
        self._known_timeouts: dict[float, aiohttp.ClientTimeout] = {}

    async def request(
        self,
        method: str,
        url: str,
        *,
        timeout_seconds: float,
        headers: Mapping[str, HeaderValue] | None = None,
        body: bytes | None = None,
    ) -> HttpReply:
        """Send once and read the whole answer within `timeout_seconds`.

        Returns answers of every status, redirects included. Raises `NeverSent` or `MaybeSent`, and whatever the guard
        raises. A `Secret` header value is opened only here.
        """
        self.guard()
        try:
            async with self._open_session().request(
                method,
                url,
                headers=_plain(headers or {}),
                data=body,
                timeout=self._timeouts(timeout_seconds),
                allow_redirects=False,
                middlewares=() if method in _NEVER_RESENT else (_SendOnce(),),
            ) as response:
                received = await self._read_bounded(response)
                return HttpReply(
                    status=response.status,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=received,
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _on_the_line(error) from error

    async def close(self) -> None:
        """End all connections; calling it again is harmless."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._max_connections, keepalive_timeout=IDLE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity", "User-Agent": "rewardrails"},
                skip_auto_headers=("Content-Type",),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _timeouts(self, timeout_seconds: float) -> aiohttp.ClientTimeout:
        known = self._known_timeouts.get(timeout_seconds)
        if known is None:
            known = self._known_timeouts[timeout_seconds] = self._make_timeouts(timeout_seconds)
        return known

    def _make_timeouts(self, timeout_seconds: float) -> aiohttp.ClientTimeout:
        connect_seconds = min(self._connect_timeout_seconds, timeout_seconds * CONNECT_SHARE_OF_TOTAL)
        return aiohttp.ClientTimeout(
            total=timeout_seconds,
            connect=connect_seconds,
            sock_connect=connect_seconds,
            # Only where it can end a call sooner than `total` does: every timer costs each call.
            sock_read=self._read_timeout_seconds if self._read_timeout_seconds < timeout_seconds else None,
        )

    async def _read_bounded(self, response: aiohttp.ClientResponse) -> bytes:
        received = bytearray()
        async for chunk in response.content.iter_any():
            received += chunk
            if len(received) > self.max_body_bytes:
                raise MaybeSent(MaybeSentReason.BODY_TOO_LARGE)
        return bytes(received)


def is_safe_base_url(url: str, *, allow_plain_http: bool) -> bool:
    """Whether `url` is an absolute http(s) address without credentials, query or fragment in it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    schemes = {"https", "http"} if allow_plain_http else {"https"}
    bare = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme in schemes and bool(host) and bare


class _SendOnce:
    """Stops aiohttp's own second try: it resends GET, PUT and DELETE when a pooled connection turns out to be dead."""

    def __init__(self) -> None:
        self._sent = False

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if self._sent:
            raise MaybeSent(MaybeSentReason.DISCONNECTED)
        self._sent = True
        return await handler(request)


def _on_the_line(error: aiohttp.ClientError | TimeoutError | OSError) -> TransportError:
    """Sort a failure; what is not certainly before the first byte of the request is `MaybeSent`."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return NeverSent(NeverSentReason.DNS)
        case aiohttp.ClientSSLError():
            return NeverSent(NeverSentReason.TLS)
        case aiohttp.ClientConnectorError():
            return NeverSent(NeverSentReason.CONNECT_FAILED)
        case aiohttp.ConnectionTimeoutError():
            return NeverSent(NeverSentReason.CONNECT_TIMEOUT)
        case TimeoutError():
            return MaybeSent(MaybeSentReason.TIMEOUT)
        case aiohttp.ClientPayloadError():
            return MaybeSent(MaybeSentReason.TRUNCATED)
        case aiohttp.ClientConnectionError() | OSError():
            return MaybeSent(MaybeSentReason.DISCONNECTED)
        case _:
            return MaybeSent(MaybeSentReason.PROTOCOL)


def _plain(headers: Mapping[str, HeaderValue]) -> dict[str, str]:
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in headers.items()}
