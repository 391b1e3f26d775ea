"""Requests to PayPal under an OAuth2 token that is fetched when it is needed, kept until it lapses, and never told.

Source: https://developer.paypal.com/api/rest/authentication/
"""

import asyncio
from base64 import b64encode

from rewardrails import clock
from rewardrails.domain.evidence import Evidence
from rewardrails.errors import ErrorCode
from rewardrails.providers import certainty, strict_json
from rewardrails.providers.deadline import Deadline
from rewardrails.providers.http import HttpClient, HttpReply, MaybeSent, NeverSent
from rewardrails.providers.paypal.wire import TOKEN
from rewardrails.secrets import Secret

TOKEN_PATH = "/v1/oauth2/token"  # noqa: S105 - an address
# A token that lapses on its way would be a refusal for nothing.
MARGIN_SECONDS = 60.0
TOKEN_SHARE = 0.5
UNAUTHORIZED = 401


class NoToken(Exception):
    """PayPal gave no token, so the request itself was not sent."""

    def __init__(self, code: ErrorCode, evidence: Evidence) -> None:
        super().__init__(f"no access token: {code}")
        self.code = code
        self.evidence = evidence


class Session:
    """One account's requests; nothing is sent twice, except a question whose token had been withdrawn."""

    def __init__(self, http: HttpClient, base_url: str, *, client_id: Secret, client_secret: Secret) -> None:
        self._http = http
        self._base_url = base_url
        pair = f"{client_id.reveal()}:{client_secret.reveal()}".encode()
        self._basic = Secret(f"Basic {b64encode(pair).decode()}")
        self._bearer: Secret | None = None
        self._good_until = 0.0
        self._fetching = asyncio.Lock()

    async def ask(self, path: str, deadline: Deadline) -> HttpReply:
        """GET; raises `NoToken`, `NeverSent` or `MaybeSent`."""
        reply = await self.call("GET", path, deadline)
        return await self.call("GET", path, deadline) if reply.status == UNAUTHORIZED else reply

    async def call(self, method: str, path: str, deadline: Deadline, *, body: bytes | None = None) -> HttpReply:
        """One request; raises `NoToken`, `NeverSent` or `MaybeSent`. A 401 has the next one fetch a new token."""
        bearer = await self._token(deadline)
        headers: dict[str, str | Secret] = {"Authorization": bearer, "Accept": "application/json"}
        if method == "POST":
            headers["Content-Type"] = "application/json"
        url = f"{self._base_url}{path}"
        reply = await self._http.request(method, url, headers=headers, body=body, timeout_seconds=deadline.left())
        if reply.status == UNAUTHORIZED and self._bearer is bearer:
            self._bearer = None
        return reply

    async def _token(self, deadline: Deadline) -> Secret:
        async with self._fetching:
            if self._bearer is None or clock.monotonic() >= self._good_until:
                self._bearer = await self._fetch(deadline)
            return self._bearer

    async def _fetch(self, deadline: Deadline) -> Secret:
        try:
            reply = await self._http.request(
                "POST",
                f"{self._base_url}{TOKEN_PATH}",
                headers={
                    "Authorization": self._basic,
                    "Accept": "application/json",
                    "Content-Type": "application/x-www-form-urlencoded",
                },
                body=b"grant_type=client_credentials",
                timeout_seconds=deadline.left(TOKEN_SHARE),
            )
        except (NeverSent, MaybeSent) as error:
            raise NoToken(ErrorCode.PROVIDER_UNAVAILABLE, certainty.cannot_ask(error).evidence) from error
        token = strict_json.try_decode(TOKEN, reply.body) if reply.status == 200 else None
        if token is None:
            raise NoToken(
                _why(reply), certainty.evidence_of(reply) if reply.status != 200 else Evidence(http_status=200)
            )
        self._good_until = clock.monotonic() + token.expires_in - MARGIN_SECONDS
        return Secret(f"Bearer {token.access_token}")


def _why(reply: HttpReply) -> ErrorCode:
    code = certainty.cannot_tell(reply, Evidence()).code
    return code if code is not ErrorCode.OUTCOME_UNKNOWN else ErrorCode.PROVIDER_UNAVAILABLE
