"""A small OpenID Connect issuer over real HTTP, written from the standards with a cryptography library alone.

It signs whatever a test makes of the claims: `spoil` may change claims, header, key and signature.
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from rewardrails import clock

CLIENT, SECRET = "rewardrails", "client secret"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@dataclass
class Token:
    """An ID token before it is put together."""

    header: dict[str, Any]
    claims: dict[str, Any]
    key: rsa.RSAPrivateKey
    signature: Callable[[bytes], bytes] | None = None

    def text(self) -> str:
        signed = f"{b64(json.dumps(self.header).encode())}.{b64(json.dumps(self.claims).encode())}"
        sign = self.signature or (lambda text: self.key.sign(text, padding.PKCS1v15(), SHA256()))
        return f"{signed}.{b64(sign(signed.encode()))}"


@dataclass
class Issuer:
    """What it is asked, and what it answers. `codes` are good once."""

    url: str = ""
    key: rsa.RSAPrivateKey = field(default_factory=new_key)
    kid: str = "k1"
    person: dict[str, Any] = field(
        default_factory=lambda: {"sub": "ann-1", "email": "ann@example.org", "email_verified": True}
    )
    spoil: Callable[[Token], None] = lambda _: None
    discovery: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)

    def jwks(self) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        n, e = (b64(value.to_bytes((value.bit_length() + 7) // 8)) for value in (numbers.n, numbers.e))
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": n, "e": e}]}

    def about(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **self.discovery,
        }

    def consent(self, address: str) -> dict[str, str]:
        """What the issuer hands back when the person agrees: a code, bound to what was asked."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == ("code", CLIENT, "S256")
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def answer(self, form: dict[str, str], authorization: str) -> web.Response:
        self.asked.append(form)
        asked = self.codes.pop(form.get("code", ""), None)
        expected = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        proved = (
            asked and b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest()) == asked["code_challenge"]
        )
        if not (proved and authorization == expected and form.get("redirect_uri") == asked["redirect_uri"]):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(clock.now().timestamp())
        times = {"iat": now, "exp": now + 300}
        claims = {"iss": self.url, "aud": CLIENT, "nonce": asked["nonce"], **times, **self.person}
        token = Token({"alg": "RS256", "kid": self.kid, "typ": "JWT"}, claims, self.key)
        self.spoil(token)
        return web.json_response({"access_token": "at", "token_type": "Bearer", "id_token": token.text()})


@asynccontextmanager
async def running_issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()

    async def about(_: web.Request) -> web.Response:
        return web.json_response(issuer.about())

    async def keys(_: web.Request) -> web.Response:
        return web.json_response(issuer.jwks())

    async def token(request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        return issuer.answer(form, request.headers.get("Authorization", ""))

    app = web.Application()
    app.add_routes(
        [web.get("/.well-known/openid-configuration", about), web.get("/keys", keys), web.post("/token", token)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield issuer
    await runner.cleanup()
