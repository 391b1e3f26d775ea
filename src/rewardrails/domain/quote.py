"""What a payout will cost, and until when that holds."""

from dataclasses import dataclass, field
from datetime import datetime

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRequest:
    """Asks what it takes for `amount` to arrive at `destination`."""

    amount: Money
    destination: Destination = field(repr=False)
    player_id: str
    jurisdiction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """`amount` arrives, `fee` is charged on top; both in smallest units. The provider honours it until `expires_at`."""

    amount: Money
    fee: Money
    expires_at: datetime
    provider_quote_id: str = ""

    @property
    def total(self) -> Money:
        """What leaves the pool: amount plus fee."""
        return Money(amount_minor=self.amount.amount_minor + self.fee.amount_minor, asset=self.amount.asset)
