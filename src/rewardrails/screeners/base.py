"""The one interface behind which every screener sits.

A screener is told destinations and answers *clear*, *hit* or *unknown* for each. It raises nothing: whatever it cannot say for
certain is unknown, with a reason from the closed set below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rewardrails.domain.destination import Destination
from rewardrails.domain.policy.case import Screening
from rewardrails.providers.context import SettingValue
from rewardrails.providers.http import HttpClient
from rewardrails.secrets import Secret


class WhyUnknown(StrEnum):
    """Why nobody can tell; stable words."""

    NOT_REACHED = "not_reached"
    TIMEOUT = "timeout"
    BUSY = "busy"
    KEY_REFUSED = "key_refused"
    ODD_ANSWER = "odd_answer"
    NOT_ANSWERED = "not_answered"
    UNDECIDED = "undecided"
    STALE_ANSWER = "stale_answer"
    SCREENER_FAILED = "screener_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """What a screener said of one destination: its reference for it, until when that counts (None: as long as we allow)."""

    verdict: Screening
    reference: str = ""
    valid_until: datetime | None = None
    why: WhyUnknown | None = None


class Screener(Protocol):
    """A configured screener."""

    @property
    def name(self) -> str:
        """Its name in the configuration, by which kinds of destination ask for it."""

    @property
    def batch_limit(self) -> int:
        """How many destinations it takes at once."""

    @property
    def call_timeout_seconds(self) -> float:
        """The longest that `screen` takes."""

    async def screen(self, destinations: Sequence[Destination]) -> Sequence[Screened]:
        """One answer for each destination, in their order."""

    async def close(self) -> None:
        """End its connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenerContext:
    """What a screener is made of: its name, settings, resolved secrets, and the way out; `is_live` when money is at stake."""

    name: str
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    credentials: Mapping[str, Secret] = field(default_factory=dict)
    is_live: bool = False
    http: HttpClient


class ScreenerFactory(Protocol):
    """Makes a screener; raises `ConfigInvalid` when settings or credentials are missing."""

    def __call__(self, context: ScreenerContext) -> Screener:
        """The screener that the context describes."""


def unknown(why: WhyUnknown, *, reference: str = "") -> Screened:
    """The answer when there is none."""
    return Screened(verdict=Screening.UNKNOWN, reference=reference, why=why)
