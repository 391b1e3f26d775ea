"""One OpenID Connect issuer: what it says of itself, a code for an ID token, and whether that token is to be believed."""

from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import msgspec
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from msgspec import Meta

from rewardrails import clock
from rewardrails.config import OidcSettings
from rewardrails.providers import strict_json
from rewardrails.providers.http import HttpClient, TransportError, is_safe_base_url
from rewardrails.store.database import assert_no_transaction

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a key pair alone: what we could forge ourselves (HS*), or anybody could (none), proves nothing."""
DISCOVERY = "/.well-known/openid-configuration"
TIMEOUT_SECONDS = 10.0
KEPT_SECONDS = 3600.0
ASK_AGAIN_SECONDS = 60.0
LEEWAY_SECONDS = 60
T = TypeVar("T", bound=msgspec.Struct)


class IssuerRefused(Exception):
    """The issuer cannot be reached, or what it says is not to be believed. The reason is for our own log only."""


class _Metadata(msgspec.Struct):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = []


class _Tokens(msgspec.Struct):
    id_token: Annotated[str, Meta(max_length=65536)]
    access_token: str | None = None


class _Keys(msgspec.Struct):
    keys: list[dict[str, object]]


class Issuer:
    """Asked over HTTPS, never inside a transaction; its keys and addresses are kept for an hour."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._http = HttpClient(guard=assert_no_transaction)
        self._metadata: tuple[float, _Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def close(self) -> None:
        """End its connections."""
        await self._http.close()

    async def address(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where to send somebody who wants to sign in. Raises `IssuerRefused`."""
        about = await self._about()
        return str(
            prepare_grant_uri(
                about.authorization_endpoint,
                self._settings.client_id,
                "code",
                redirect_uri=redirect_uri,
                scope="openid email profile",
                state=state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
            )
        )

    async def claims(self, *, code: str, redirect_uri: str, nonce: str, verifier: str) -> dict[str, object]:
        """What the ID token says that this code is good for. Raises `IssuerRefused`."""
        tokens = await self._exchange(code, redirect_uri, verifier)
        try:
            return self._believed(tokens, await self._key_set(), nonce)
        except InvalidKeyIdError:
            pass  # it signs with a new key perhaps
        except (JoseError, ValueError, TypeError) as error:
            raise IssuerRefused(f"the ID token is not right ({type(error).__name__})") from error
        try:
            return self._believed(tokens, await self._key_set(older_than_seconds=ASK_AGAIN_SECONDS), nonce)
        except (JoseError, ValueError, TypeError) as error:
            raise IssuerRefused(f"the ID token is not right ({type(error).__name__})") from error

    def _believed(self, tokens: _Tokens, keys: KeySet, nonce: str) -> dict[str, object]:
        token = jwt.decode(tokens.id_token, keys, algorithms=ALGORITHMS)
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": self._settings.issuer},
                "aud": {"essential": True, "value": self._settings.client_id},
                "sub": {"essential": True},
            },
            params={
                "nonce": nonce,
                "client_id": self._settings.client_id,
                "access_token": tokens.access_token,
            },
        )
        claims.validate(now=int(clock.now().timestamp()), leeway=LEEWAY_SECONDS)
        return dict(claims)

    async def _exchange(self, code: str, redirect_uri: str, verifier: str) -> _Tokens:
        about = await self._about()
        secret = self._settings.client_secret
        body = prepare_token_request("authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier)
        method = "none"
        if secret is not None:
            known = about.token_endpoint_auth_methods_supported
            method = "client_secret_post" if known and "client_secret_basic" not in known else "client_secret_basic"
        auth = ClientAuth(self._settings.client_id, secret.reveal() if secret else None, method)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        uri, headers, body = auth.prepare("POST", about.token_endpoint, headers, body)
        return await self._ask("POST", uri, _Tokens, headers=headers, body=body.encode())

    async def _about(self) -> _Metadata:
        if self._metadata is None or self._metadata[0] + KEPT_SECONDS <= clock.monotonic():
            issuer = self._settings.issuer
            said = await self._ask("GET", issuer.rstrip("/") + DISCOVERY, _Metadata)
            if said.issuer != issuer:
                raise IssuerRefused("it calls itself by another name than the configured issuer")
            self._metadata = (clock.monotonic(), said)
        return self._metadata[1]

    async def _key_set(self, *, older_than_seconds: float = KEPT_SECONDS) -> KeySet:
        if self._keys is None or self._keys[0] + older_than_seconds <= clock.monotonic():
            said = await self._ask("GET", (await self._about()).jwks_uri, _Keys)
            try:
                keys = KeySet.import_key_set({"keys": said.keys})  # type: ignore[typeddict-item] # it looks itself
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise IssuerRefused("its keys cannot be read") from error
            self._keys = (clock.monotonic(), keys)
        return self._keys[1]

    async def _ask(
        self, method: str, url: str, shape: type[T], *, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> T:
        if not is_safe_base_url(
            urlsplit(url)._replace(query="").geturl(), allow_plain_http=self._settings.allow_private
        ):
            raise IssuerRefused("it names an address that is not https")
        try:
            reply = await self._http.request(method, url, timeout_seconds=TIMEOUT_SECONDS, headers=headers, body=body)
        except TransportError as error:
            raise IssuerRefused(f"it cannot be asked: {error}") from error
        if reply.status != 200:
            raise IssuerRefused(f"it answers {reply.status}")
        try:
            return strict_json.decode(msgspec.json.Decoder(shape), reply.body)
        except msgspec.DecodeError as error:
            raise IssuerRefused("its answer is not what the standard says") from error
