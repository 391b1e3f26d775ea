"""The manual queue over the wire; whoever works it sees the whole destination."""

from datetime import datetime
from uuid import UUID

from rewardrails.api.schemas.common import In, Out, Words, decimal
from rewardrails.domain.payout import PayoutState
from rewardrails.engine.core import Core
from rewardrails.engine.manual import ManualItem
from rewardrails.errors import ErrorCode


class ProofIn(In):
    """How it was paid: a receipt, a reference."""

    proof: Words


class RefusalIn(In):
    """Why it is not paid."""

    reason: Words


class ManualOut(Out):
    """One payout that waits for a person's hands; where `code` is not null it must not be paid, and says no destination."""

    payout_id: UUID
    provider: str
    campaign: str
    reward_id: str
    player_id: str
    asset: str
    amount: str | None
    amount_minor: str
    destination_kind: str
    destination: str
    memo: str
    since: datetime
    code: ErrorCode | None

    @classmethod
    def of(cls, core: Core, item: ManualItem) -> "ManualOut":
        """An item as it goes out."""
        return cls(
            payout_id=item.payout_id,
            provider=item.provider,
            campaign=item.campaign,
            reward_id=item.reward_id,
            player_id=item.player_id,
            asset=item.asset,
            amount=decimal(core, item.amount_minor, item.asset),
            amount_minor=str(item.amount_minor),
            destination_kind=item.destination.kind if item.destination else "",
            destination=item.destination.value if item.destination else "",
            memo=item.destination.memo if item.destination else "",
            since=item.since,
            code=item.code,
        )


class ManualPage(Out):
    """The queue, oldest first."""

    items: list[ManualOut]
    next_cursor: str | None


class ManualAnswer(Out):
    """Where the payout stands now."""

    payout_id: UUID
    state: PayoutState
