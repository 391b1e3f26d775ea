"""The way out to addresses that somebody else chose: never to ourselves, our network or the cloud's own services."""

import ipaddress
import socket
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from rewardrails.errors import FieldInvalid
from rewardrails.store.database import assert_no_transaction

MAX_ANSWER_BYTES = 4096
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0


class EgressRefused(OSError):
    """The address is not one that may be called."""


class EgressFailed(Exception):
    """The call went out and nothing usable came back; the reason is safe to store."""


def is_public(address: str) -> bool:
    """Whether an IP address lies in the public internet; IPv4 inside IPv6 counts as what it is inside."""
    try:
        parsed = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is None and parsed in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified)


def check_url(url: str, *, allow_private: bool) -> None:
    """Refuse what can never be called: other schemes, credentials in the address, private literals. Raises `FieldInvalid`."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.password:
        raise FieldInvalid("an endpoint is an https address with a host and without credentials in it", field="url")
    if allow_private:
        return
    if parts.scheme != "https":
        raise FieldInvalid("an endpoint outside our own network must be https", field="url")
    if _is_literal(parts.hostname) and not is_public(parts.hostname):
        raise FieldInvalid("an endpoint may not be a private, local or reserved address", field="url")


class _GuardedResolver(AbstractResolver):
    """Resolves names and drops every answer that is not public, so that no name can lead inside."""

    def __init__(self, *, allow_private: bool) -> None:
        self._inner = ThreadedResolver()
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if self._allow_private:
            return found
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise EgressRefused(f"{host} leads to no public address")
        return public

    async def close(self) -> None:
        await self._inner.close()


class Egress:
    """A bounded HTTP client for other people's addresses: no redirects, no cookies, no proxies from the environment."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, *, headers: dict[str, str], body: bytes) -> int:
        """POST `body`; answers the HTTP status. Raises `FieldInvalid`, `EgressFailed`."""
        assert_no_transaction()
        check_url(url, allow_private=self._allow_private)
        try:
            async with self._client().post(url, data=body, headers=headers, allow_redirects=False) as answer:
                self._check_peer(answer)
                await answer.content.read(MAX_ANSWER_BYTES)
                return answer.status
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise EgressFailed(type(error).__name__) from error

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(resolver=_GuardedResolver(allow_private=self._allow_private), limit=64)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS),
                trust_env=False,
            )
        return self._session

    def _check_peer(self, answer: aiohttp.ClientResponse) -> None:
        connection = answer.connection
        peer = connection.transport.get_extra_info("peername") if connection and connection.transport else None
        if peer and not self._allow_private and not is_public(str(peer[0])):
            raise EgressRefused("the connection led to an address that is not public")


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # Other spellings of IPv4 (2130706433, 0x7f.1) end in a number, and no public name does.
        return host.lower().rstrip(".") == "localhost" or host.rsplit(".", 1)[-1][:1].isdigit()
    return True
