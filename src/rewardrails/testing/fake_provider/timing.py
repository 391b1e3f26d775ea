"""Moments and names as the fake provider writes them."""

from rewardrails import clock, ids


def now() -> float:
    """Seconds since the epoch."""
    return clock.now().timestamp()


def new_token() -> str:
    """A name never used before, 32 hex digits."""
    return ids.new_id().hex
