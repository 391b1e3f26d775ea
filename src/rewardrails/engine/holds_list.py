"""What stops payouts now, for those whose turn it is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rewardrails.domain.policy.verdict import Owner
from rewardrails.engine.core import Core
from rewardrails.store.sql import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlace:
    """A hold's place in the list."""

    opened_at: datetime
    payout_id: UUID
    gate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHold(HoldPlace):
    """An open hold and the payout it stops; `amount_minor` in smallest units."""

    code: str | None
    why: str
    owner: Owner
    opened_by: str | None
    deadline_at: datetime | None
    overdue: bool
    campaign: str
    player_id: str
    provider: str | None
    asset: str
    amount_minor: int


async def open_holds(
    core: Core,
    *,
    owner: Owner | None = None,
    overdue: bool | None = None,
    after: HoldPlace | None = None,
    limit: int = 50,
) -> list[OpenHold]:
    """Open holds, oldest first: one owner's, or all; the overdue ones, those that are not, or both."""
    seen = (after.opened_at, after.payout_id, after.gate) if after else (None, None, None)
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("list_open_holds"), *seen, owner.value if owner else None, overdue, limit)
    return [OpenHold(**{**dict(row), "owner": Owner(row["owner"])}) for row in rows]
