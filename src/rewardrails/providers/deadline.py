"""One time limit over all the requests of a call."""

import math

from rewardrails import clock
from rewardrails.providers.http import NeverSent, NeverSentReason

# Time-outs are rounded to these, so that their number is bounded.
STEPS_PER_SECOND = 20


class Deadline:
    """When a call of the contract must be over, however many requests it needs."""

    def __init__(self, seconds: float) -> None:
        self._end = clock.monotonic() + seconds

    def left(self, share: float = 1.0) -> float:
        """So much of the seconds that are left; raises `NeverSent` when they are over."""
        seconds = math.floor((self._end - clock.monotonic()) * share * STEPS_PER_SECOND) / STEPS_PER_SECOND
        if seconds <= 0:
            raise NeverSent(NeverSentReason.CONNECT_TIMEOUT)
        return seconds
