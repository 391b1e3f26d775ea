"""Pauses over the wire."""

from datetime import datetime
from uuid import UUID

import msgspec

from rewardrails.api.schemas.common import In, Name, OptionalName, Out
from rewardrails.engine.pauses import Pause, PauseScope, PauseStops


class PauseIn(In):
    """What to pause and why; `subject` names the provider, campaign or player and stays empty for everything."""

    scope: PauseScope
    reason: Name
    subject: OptionalName = ""
    stops: PauseStops = PauseStops.SENDING


class PauseOut(Out):
    """An active or lifted pause."""

    id: UUID
    scope: PauseScope
    subject: str
    stops: PauseStops
    reason: str
    created_by: str
    created_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None

    @classmethod
    def of(cls, pause: Pause) -> "PauseOut":
        """A pause as it goes out."""
        return msgspec.convert(pause, cls, from_attributes=True)


class PauseList(Out):
    """Every pause in force."""

    pauses: list[PauseOut]
