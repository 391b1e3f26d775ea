"""What the gates stopped, over all runs, and one of it explained."""

from collections.abc import Sequence
from dataclasses import dataclass

from rewardrails.engine.explain import Explanation
from rewardrails.engine.holds_list import open_holds
from rewardrails.facade import RewardRails
from rewardrails.store.sql import sql

HITS = "address_lists"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFigures:
    """How many payouts a gate ever stopped, and how many it stops now."""

    gate: str
    ever: int
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Every gate that stopped something, payouts that two people approved, and one hit on a list explained."""

    gates: Sequence[GateFigures]
    approved_by_two: int
    example: Explanation | None


async def stopped(rails: RewardRails) -> Stopped:
    """Read it all, when nothing moves any more."""
    async with rails.core.database.reading() as connection:
        rows = await connection.fetch(sql("holds_ever_by_gate"))
        approved = await connection.fetchval(sql("approved_by_two"))
    hit = next((one for one in await open_holds(rails.core, limit=500) if one.gate == HITS), None)
    return Stopped(
        gates=[GateFigures(gate=row["gate"], ever=row["payouts"], now=row["open"]) for row in rows],
        approved_by_two=approved,
        example=await rails.gates.explain(hit.payout_id) if hit else None,
    )
