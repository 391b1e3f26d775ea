"""Telling the game: sealed events go to its endpoints as signed Standard Webhooks, in order per payout, for days if need be."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg
import structlog
from standardwebhooks.webhooks import Webhook

from rewardrails import clock, ids
from rewardrails.domain.assets import format_amount
from rewardrails.errors import FieldInvalid
from rewardrails.events.egress import Egress, EgressFailed
from rewardrails.secrets import Secret
from rewardrails.store.database import Database
from rewardrails.store.sql import sql

# Seconds until the next try after the first, second, ... failed one; about four days in all, then it is given up, loudly.
SCHEDULE_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, 18000, 36000, 50400, 72000, 86400, 86400)
LEASE_SECONDS = 60.0
CALLS_AT_ONCE = 32
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a game listens; `secret` is a Standard Webhooks secret (`whsec_...`)."""

    name: str
    url: str = field(repr=False)
    secret: Secret
    allow_private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    position: int
    http_status: int | None
    error: str | None
    retry_in: float


class Deliverer:
    """Delivers to one endpoint; any number of processes may run one each."""

    def __init__(self, database: Database, endpoint: Endpoint) -> None:
        self._database = database
        self._endpoint = endpoint
        self._egress = Egress(allow_private=endpoint.allow_private)
        self._webhook = Webhook(endpoint.secret.reveal())

    async def deliver(self, limit: int = 200) -> int:
        """Send what is due; answers how many events were tried."""
        async with self._database.transaction() as tx:
            rows = await tx.fetch(sql("claim_deliveries"), self._endpoint.name, limit, LEASE_SECONDS)
        if not rows:
            return 0
        gate = asyncio.Semaphore(CALLS_AT_ONCE)
        results = await asyncio.gather(*(self._send(gate, row) for row in rows))
        await self._note(results)
        return len(rows)

    async def close(self) -> None:
        """Close every connection."""
        await self._egress.close()

    async def _send(self, gate: asyncio.Semaphore, row: asyncpg.Record) -> _Result:
        message_id = f"evt_{row['n']}"
        body = _body(row)
        now = clock.now()
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(message_id, now, body),
        }
        status, error = None, None
        async with gate:
            try:
                status = await self._egress.post(self._endpoint.url, headers=headers, body=body.encode())
            except (EgressFailed, FieldInvalid) as failure:
                error = str(failure)[:200]
        if status is not None and 200 <= status < 300:
            return _Result(position=row["position"], http_status=status, error=None, retry_in=0.0)
        return _Result(position=row["position"], http_status=status, error=error, retry_in=_retry_in(row["tries"]))

    async def _note(self, results: Sequence[_Result]) -> None:
        given_up = [result.position for result in results if result.retry_in < 0]
        if given_up:
            log.error("delivery_given_up", endpoint=self._endpoint.name, positions=given_up[:10], count=len(given_up))
        async with self._database.transaction() as tx:
            await tx.execute(
                sql("note_deliveries"),
                self._endpoint.name,
                [result.position for result in results],
                [result.http_status for result in results],
                [result.error for result in results],
                [result.retry_in for result in results],
            )


def _retry_in(tries: int) -> float:
    if tries > len(SCHEDULE_SECONDS):
        return -1.0
    return SCHEDULE_SECONDS[tries - 1] * (0.8 + 0.4 * ids.random_fraction())


def _body(row: asyncpg.Record) -> str:
    """The event as the game sees it; `reason` is a stable code, amounts are given as text in units and in smallest units."""
    happened = json.loads(row["data"])
    data = {
        "payout_id": str(row["subject_id"]),
        "version": row["version"],
        "position": row["position"],
        "campaign": row["campaign"],
        "reward_id": row["reward_id"],
        "player_id": row["player_id"],
        "asset": row["asset"],
        "amount": format_amount(int(row["amount_minor"]), row["exponent"]),
        "amount_minor": row["amount_minor"],
        "state": happened.get("to", ""),
        "reason": happened.get("code"),
    }
    return json.dumps(
        {"type": row["type"], "timestamp": row["created_at"].isoformat(), "data": data}, ensure_ascii=False
    )
