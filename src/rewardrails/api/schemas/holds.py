"""Why payouts stand where they stand, over the wire: for operators, and what a player may be told."""

from datetime import datetime
from uuid import UUID

import msgspec

from rewardrails.api.schemas.common import Out, decimal
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.policy.verdict import Outcome, Owner
from rewardrails.engine.core import Core
from rewardrails.engine.explain import MASKED, Explanation
from rewardrails.engine.holds_list import OpenHold


class VerdictOut(Out):
    """What one gate says now. `passes_at` is when time alone may change it; only `player_text` is meant for players."""

    gate: str
    outcome: Outcome
    code: str | None
    why: str
    next_step: str
    owner: Owner | None
    passes_at: datetime | None
    inputs: dict[str, str]


class HoldOut(Out):
    """One thing that stopped, or stops, the payout; `opened_by` is the person who holds it, null for a gate."""

    gate: str
    code: str | None
    why: str
    owner: Owner
    opened_by: str | None
    opened_at: datetime
    deadline_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    reason: str | None


class ExplanationOut(Out):
    """A payout's state, every gate's verdict now, every hold there was; `player_text` is what its player may be told."""

    payout_id: UUID
    state: PayoutState
    gates: list[VerdictOut]
    holds: list[HoldOut]
    player_text: str

    @classmethod
    def of(cls, found: Explanation) -> "ExplanationOut":
        """An explanation as it goes out."""
        return cls(
            payout_id=found.payout_id,
            state=found.state,
            gates=[msgspec.convert(verdict, VerdictOut, from_attributes=True) for verdict in found.verdicts],
            holds=[msgspec.convert(hold, HoldOut, from_attributes=True) for hold in found.holds],
            player_text=found.player_text,
        )


class OpenHoldOut(Out):
    """An open hold, and the payout it stops; `opened_by` is the person who holds it, null for a gate."""

    payout_id: UUID
    gate: str
    code: str | None
    why: str
    owner: Owner
    opened_by: str | None
    opened_at: datetime
    deadline_at: datetime | None
    overdue: bool
    campaign: str
    player_id: str
    provider: str | None
    asset: str
    amount: str | None
    amount_minor: str

    @classmethod
    def of(cls, core: Core, hold: OpenHold, *, whole: bool) -> "OpenHoldOut":
        """A hold as it goes out; what a person wrote is masked unless `whole`."""
        return cls(
            payout_id=hold.payout_id,
            gate=hold.gate,
            code=hold.code,
            why=hold.why if whole or hold.opened_by is None else MASKED,
            owner=hold.owner,
            opened_by=hold.opened_by,
            opened_at=hold.opened_at,
            deadline_at=hold.deadline_at,
            overdue=hold.overdue,
            campaign=hold.campaign,
            player_id=hold.player_id,
            provider=hold.provider,
            asset=hold.asset,
            amount=decimal(core, hold.amount_minor, hold.asset),
            amount_minor=str(hold.amount_minor),
        )


class HoldPage(Out):
    """Open holds, oldest first."""

    holds: list[OpenHoldOut]
    next_cursor: str | None
