"""A running API and a client for it: real sockets, real database."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from rewardrails import ids
from rewardrails.api.server import serve
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine.core import Core
from rewardrails.providers.signatures import StandardWebhook
from rewardrails.secrets import Secret
from rewardrails.security.keys import Scope, create_key
from tests.support.scripted_rail import ScriptedRail

SECRET = Secret("whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk")
REWARD = {
    "campaign": "season",
    "reward_id": "r-1",
    "player_id": "player:1",
    "amount": "12.50",
    "asset": "EUR",
    "jurisdiction": "DE",
    "destination_kind": "paypal_email",
    "destination": "player@example.org",
}
TABLES = (
    "account",
    "address_list",
    "api_key",
    "attempt",
    "batch",
    "batch_row",
    "event",
    "hold",
    "idempotency",
    "legal_approval",
    "observation",
    "ownership_challenge",
    "pause",
    "payout",
    "player_check",
    "player_risk",
    "pool",
    "quote",
    "rate",
    "resolution",
    "sign_off",
    "transfer",
    "webhook_inbox",
)
HEADER = "reward_id,player_id,campaign,amount,asset,jurisdiction,destination_kind,destination,memo\n"


class SignedRail(ScriptedRail):
    """A rail that sends signed notices: `{"rail_key": ..., "status": ...}`."""

    signer = StandardWebhook(SECRET)

    def receive(self, request: WebhookRequest) -> tuple[Observation, ...]:
        event_key = self.signer.verify(request)
        said = json.loads(request.body)
        return (Observation(status=ObservedStatus(said["status"]), rail_key=said["rail_key"], event_key=event_key),)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["code"]


@dataclass
class Api:
    core: Core
    session: aiohttp.ClientSession
    token: str
    tokens: dict[Scope, str] = field(default_factory=dict)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        raw: Any = None,
        key: str | None = "fresh",
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; `key="fresh"` makes an Idempotency-Key up, `token=""` sends no API key."""
        sent = dict(headers or {})
        if token != "":
            sent.setdefault("Authorization", f"Bearer {token or self.token}")
        if key is not None and method != "GET":
            sent.setdefault("Idempotency-Key", ids.new_token(8) if key == "fresh" else key)
        data = raw if raw is not None else (None if body is None else json.dumps(body).encode())
        async with self.session.request(method, path, data=data, headers=sent, allow_redirects=False) as response:
            return Answer(status=response.status, headers=response.headers, body=await response.read())

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: object = None, **options: Any) -> Answer:
        return await self.call("POST", path, body=body, **options)

    async def key_with(self, scopes: Iterable[Scope]) -> str:
        _, token = await create_key(
            self.core.database, self.core.vault, name="scoped", scopes=frozenset(scopes), actor="test"
        )
        return token.reveal()

    async def payout(self, number: int = 1, **changes: str) -> str:
        """The id of a new payout."""
        answer = await self.post("/v1/payouts", REWARD | {"reward_id": f"r-{number}"} | changes)
        assert answer.status == 201, answer.body
        return answer.json["id"]

    async def seen(self, *payout_ids: str) -> dict[str, Any]:
        """What approves these payouts as they stand now; one that there is not is guessed."""
        found = [(one, (await self.get(f"/v1/payouts/{one}")).json) for one in payout_ids]
        digests = [(one, told.get("approval_digest", "0" * 64)) for one, told in found]
        return {"payouts": [{"payout_id": one, "approval_digest": digest} for one, digest in digests]}

    async def events_of_type(self, event_type: str) -> list[dict[str, Any]]:
        """Events as they stand in the table."""
        async with self.core.database.reading() as connection:
            rows = await connection.fetch(
                "SELECT *, data::text AS said FROM event WHERE type = $1 ORDER BY n", event_type
            )
        return [dict(row) for row in rows]

    async def row_counts(self) -> dict[str, int]:
        """How many rows each table holds that a request may write."""
        async with self.core.database.reading() as connection:
            return {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in TABLES}


@asynccontextmanager
async def running_api(core: Core) -> AsyncIterator[Api]:
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(core, host="127.0.0.1", port=0, stop=stop, on_ready=port.set_result))
    await asyncio.wait({serving, port}, return_when=asyncio.FIRST_COMPLETED)
    _, token = await create_key(core.database, core.vault, name="admin", scopes=frozenset({Scope.ADMIN}), actor="test")
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port.result()}") as session:
        yield Api(core=core, session=session, token=token.reveal())
    stop.set()
    await serving
