"""When to try again: exponential, with full jitter, bounded, and never before the provider said so."""

from rewardrails import ids

BASE_SECONDS = 2.0
CEILING_SECONDS = 3600.0


def seconds_until_retry(tries: int, retry_after_seconds: float | None = None) -> float:
    """Delay before the next try after `tries` failed ones."""
    window = min(CEILING_SECONDS, BASE_SECONDS * 2.0 ** min(tries, 20))
    jittered: float = window * (0.5 + 0.5 * ids.random_fraction())
    return max(retry_after_seconds or 0.0, jittered)
