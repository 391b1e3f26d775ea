"""Quotes over the wire."""

from datetime import datetime
from uuid import UUID

from rewardrails.api.schemas.common import Amount, Cell, Decimal, In, Out, amount
from rewardrails.engine.core import Core
from rewardrails.engine.quotes import StoredQuote


class QuoteIn(In):
    """What would be paid to whom."""

    campaign: Cell
    player_id: Cell
    amount: Decimal
    asset: Cell
    jurisdiction: Cell
    destination_kind: Cell
    destination: Cell
    memo: Cell = ""


class QuoteOut(Out):
    """`amount` arrives, at most `fee` is charged on top; good for one payout until `expires_at`."""

    id: UUID
    provider: str
    pool_id: UUID
    asset: str
    amount: str | None
    amount_minor: str
    fee: Amount
    total: Amount
    expires_at: datetime

    @classmethod
    def of(cls, core: Core, quote: StoredQuote) -> "QuoteOut":
        """A quote as it goes out."""
        arrives = amount(core, quote.amount_minor, quote.asset)
        return cls(
            id=quote.id,
            provider=quote.provider,
            pool_id=quote.pool_id,
            asset=quote.asset,
            amount=arrives.amount,
            amount_minor=arrives.amount_minor,
            fee=amount(core, quote.fee_minor, quote.asset),
            total=amount(core, quote.amount_minor + quote.fee_minor, quote.asset),
            expires_at=quote.expires_at,
        )
