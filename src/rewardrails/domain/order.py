"""What an adapter is asked to pay."""

import re
from dataclasses import dataclass, field
from uuid import UUID

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money

_RAIL_KEY = re.compile(r"([0-9a-f]{32})-([1-9][0-9]{0,5})")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRef:
    """Names one attempt of one payout; `rail_key` is its name at the provider and its idempotency key."""

    payout_id: UUID
    attempt_no: int

    @property
    def rail_key(self) -> str:
        """The key as sent: 32 hex digits, a dash, the attempt's number."""
        return f"{self.payout_id.hex}-{self.attempt_no}"

    @classmethod
    def parse(cls, rail_key: str) -> "AttemptRef | None":
        """Read a key back; None when the text is not one of ours."""
        found = _RAIL_KEY.fullmatch(rail_key)
        return cls(payout_id=UUID(hex=found[1]), attempt_no=int(found[2])) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One attempt to deliver `amount` to `destination`; everything in it was committed before the call.

    `prepared` is what the adapter's own `prepare` returned, `resume` what an earlier step of a two-step create left.
    """

    ref: AttemptRef
    amount: Money
    destination: Destination = field(repr=False)
    player_id: str
    campaign: str
    jurisdiction: str
    fee_ceiling: Money
    prepared: bytes | None = field(default=None, repr=False)
    resume: bytes | None = field(default=None, repr=False)

    @property
    def rail_key(self) -> str:
        """Idempotency key and reference of this attempt at the provider."""
        return self.ref.rail_key
