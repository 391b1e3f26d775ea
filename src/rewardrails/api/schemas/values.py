"""Codes and links over the wire: the only place where they go out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from rewardrails.api.schemas.common import NO_CONTROL, In, Out, PlayerId
from rewardrails.engine.values import MAX_REASON, Revealed, ValueStanding


class RevealIn(In):
    """Whom the value is for, as the payout says."""

    player_id: PlayerId


class ReissueIn(In):
    """Why a value has to be given once more: a case number, no names."""

    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON, pattern=NO_CONTROL)]


class ValueOut(Out):
    """A payout's value; parts that its rail does not use are null. Whoever knows it has it: keep it out of logs."""

    payout_id: UUID
    player_id: str
    code: str | None
    pin: str | None
    link: str | None
    number: int

    @classmethod
    def of(cls, revealed: Revealed) -> "ValueOut":
        """A value as it goes out, to whoever asked for it and nobody else."""
        value = revealed.value
        return cls(
            payout_id=revealed.payout_id,
            player_id=revealed.player_id,
            code=value.code or None,
            pin=value.pin or None,
            link=value.link or None,
            number=revealed.number,
        )


class ValueStandingOut(Out):
    """What may be said of a payout's value without showing it."""

    ready_at: datetime
    revealed_at: datetime | None
    revealed_to: str | None
    reveals: int
    is_open: bool
    is_erased: bool

    @classmethod
    def of(cls, found: ValueStanding) -> "ValueStandingOut":
        """How a payout's value stands, as it goes out."""
        return msgspec.convert(found, cls, from_attributes=True)
