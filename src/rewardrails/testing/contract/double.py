"""What an adapter's author supplies beside the adapter: a double of the vendor, and a hand that writes its notices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus


class Conduct(StrEnum):
    """How the double meets a creation that is new to it; a key it has seen it meets as the vendor would."""

    ACCEPT = "accept"
    "Take it, answer, and leave it pending."
    REFUSE = "refuse"
    "Refuse it with an answer that the vendor documents as having done nothing."
    REFUSE_STRANGELY = "refuse_strangely"
    "Refuse it with the status of a refusal and a code that the vendor documents nowhere."
    LOSE_REPLY = "lose_reply"
    "Take it, then cut the connection without an answer."
    ANSWER_LATE = "answer_late"
    "Take it at once, and answer later than anybody waits."


class SignedBy(StrEnum):
    """Whose secret signs a notice."""

    VENDOR = "vendor"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """A payout in the double's own journal, as it was taken."""

    amount: Money
    destination: Destination = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a notice tells, and when it happened; `ObservedStatus.UNKNOWN` is a status that the vendor documents nowhere."""

    event: str
    at: datetime
    status: ObservedStatus
    rail_key: str
    provider_reference: str
    amount: Money
    destination: Destination = field(repr=False)


class VendorDouble(Protocol):
    """A server that behaves like the vendor and keeps a journal of what it has taken: the truth of these tests."""

    def creates(self, method: str, url: str) -> bool:
        """Whether such a request makes payouts; the suite counts these, and lets these go wrong."""

    async def behave(self, conduct: Conduct, *, rail_key: str = "") -> None:
        """From now on meet new creations so: those under `rail_key`, or all. A fresh double accepts."""

    async def journal(self, rail_key: str) -> Sequence[Creation]:
        """Every creation taken under this key, oldest first."""

    async def move(self, rail_key: str, status: ObservedStatus) -> None:
        """Make this the truth about a payout; `UNKNOWN` is a status that the vendor documents nowhere."""

    async def advance(self, seconds: float) -> None:
        """Let this much time pass at the vendor; a double with a clock of its own need not wait."""


class NoticeMaker(Protocol):
    """Writes notices as the vendor does."""

    def write(self, news: News) -> bytes:
        """The body of a notice."""

    def sign(self, body: bytes, *, event: str, at: datetime, by: SignedBy) -> Mapping[str, str]:
        """The headers that prove it, lower-cased, and no others: every one of them must be needed.

        `by=STRANGER` signs with some other secret; an unsigned vendor has no headers.
        """
