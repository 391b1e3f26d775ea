"""The one interface behind which every proof of ownership sits.

A method says what is asked and judges the answer. It keeps nothing: nonce, expiry, single use and whom a challenge is for are the
engine's business.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rewardrails.domain.destination import Destination
from rewardrails.errors import OwnershipRefused


class Refusal(StrEnum):
    """Why a proof is no proof; stable words."""

    UNKNOWN_CHALLENGE = "unknown_challenge"
    USED = "used"
    EXPIRED = "expired"
    OTHER_PLAYER = "other_player"
    OTHER_DESTINATION = "other_destination"
    MALFORMED = "malformed"
    WRONG = "wrong"
    UNSUITED = "unsuited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What one challenge is bound to: our name, the player, the destination, a nonce of our own, and its end."""

    domain: str
    player_id: str
    destination: Destination = field(repr=False)
    nonce: str
    expires_at: datetime


class OwnershipProof(Protocol):
    """A way to prove ownership."""

    @property
    def kind(self) -> str:
        """Its name, as kinds of destination list it under `proofs`."""

    def challenge(self, bound: Bound) -> str:
        """What must be answered. Raises `OwnershipRefused` for a destination that cannot be proved this way."""

    async def verify(self, bound: Bound, answer: str) -> str:
        """Judge an answer; returns how it was proved, without secrets. Raises `OwnershipRefused`."""


def refused(why: Refusal, message: str, *, field: str | None = None) -> OwnershipRefused:
    """The refusal to raise; `message` says what to do."""
    return OwnershipRefused(message, reason=why.value, field=field)
