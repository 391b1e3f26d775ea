"""Certificates that sign PayPal's notices: from PayPal's own host alone, up to a trusted root, and kept.

Source: https://developer.paypal.com/api/rest/webhooks/rest/
"""

import asyncio
import re
import ssl
import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from rewardrails import clock
from rewardrails.errors import ConfigInvalid, ErrorCode, WebhookRefused
from rewardrails.providers.http import HttpClient, MaybeSent, NeverSent

PATH = "/v1/notifications/certs/"
OWNER = ".paypal.com"
LONGEST_CHAIN = 5
MOST_KEPT = 16
# An address in a forged notice costs a request to PayPal, and no more than so many.
MOST_FETCHES = 10
IN_SECONDS = 60.0
FETCH_TIMEOUT_SECONDS = 5.0

Chain = Sequence[x509.Certificate]


class Certificates:
    """Chains by their address. `known` are trusted no more than fetched ones, they only need no fetching."""

    def __init__(
        self, http: HttpClient, *, origin: str, roots: str = "", known: Mapping[str, str] | None = None
    ) -> None:
        self._http = http
        self._address = re.compile(re.escape(f"{origin}{PATH}") + r"[A-Za-z0-9-]{1,100}")
        self._roots = _read_chain(roots, "trusted_roots") if roots else None
        self._chains = {url: _read_chain(pem, "certificates") for url, pem in (known or {}).items()}
        self._fetching = asyncio.Lock()
        self._fetches: deque[float] = deque(maxlen=MOST_FETCHES)

    def key_of(self, url: str, at: datetime) -> RSAPublicKey:
        """The key of the certificate at `url`, if its chain holds at that time; raises `WebhookRefused`."""
        chain = self._chains.get(url) if self._address.fullmatch(url) else None
        if chain is None:
            raise _refused("is not known and could not be fetched from PayPal: can this machine reach api.paypal.com?")
        return self._verified(chain, at)

    async def learn(self, url: str) -> None:
        """Fetch the certificate at `url` if it is at PayPal and not known yet; fails silently, as `key_of` then says."""
        if not self._address.fullmatch(url) or url in self._chains:
            return
        async with self._fetching:
            if url in self._chains or self._too_many_fetches():
                return
            try:
                reply = await self._http.request("GET", url, timeout_seconds=FETCH_TIMEOUT_SECONDS)
                chain = _read_chain(reply.body.decode("ascii"), "certificates") if reply.status == 200 else []
                self._verified(chain, clock.now())
            except (NeverSent, MaybeSent, ConfigInvalid, WebhookRefused, UnicodeDecodeError):
                return
            if len(self._chains) >= MOST_KEPT:
                del self._chains[next(iter(self._chains))]
            self._chains[url] = chain

    def _too_many_fetches(self) -> bool:
        now = clock.monotonic()
        if len(self._fetches) == MOST_FETCHES and now - self._fetches[0] < IN_SECONDS:
            return True
        self._fetches.append(now)
        return False

    def _verified(self, chain: Chain, at: datetime) -> RSAPublicKey:
        name = _name_of(chain)
        if name is None or self._store is None:
            raise _refused("is not PayPal's, or there are no roots to check it by: set trusted_roots")
        verifier = (
            PolicyBuilder()
            .store(self._store)
            .time(at.astimezone(UTC).replace(tzinfo=None))
            .build_server_verifier(x509.DNSName(name))
        )
        try:
            verifier.verify(chain[0], list(chain[1:]))
        except VerificationError as error:
            raise _refused("does not lead to a trusted root, or is not valid now") from error
        key = chain[0].public_key()
        if not isinstance(key, RSAPublicKey):
            raise _refused("has no RSA key")
        return key

    @cached_property
    def _store(self) -> Store | None:
        roots = self._roots if self._roots is not None else _system_roots()
        return Store(roots) if roots else None


def _read_chain(pem: str, setting: str) -> list[x509.Certificate]:
    try:
        chain = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise ConfigInvalid(f"the setting {setting} holds no certificates in PEM", field=setting) from error
    return chain


def _name_of(chain: Chain) -> str | None:
    """PayPal's name in the certificate; None when it has none."""
    if not 1 <= len(chain) <= LONGEST_CHAIN:
        return None
    try:
        names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None
    hosts = names.get_values_for_type(x509.DNSName)
    return next((host for host in hosts if host.endswith(OWNER) and "*" not in host), None)


def _system_roots() -> list[x509.Certificate]:
    roots = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some roots that everybody trusts are older than today's rules
        for der in ssl.create_default_context().get_ca_certs(binary_form=True):
            try:
                roots.append(x509.load_der_x509_certificate(der))
            except ValueError:
                continue
    return roots


def _refused(what: str) -> WebhookRefused:
    return WebhookRefused(f"the certificate that signed the webhook {what}", code=ErrorCode.WEBHOOK_SIGNATURE_INVALID)
