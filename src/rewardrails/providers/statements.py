"""What reading a provider's own list has in common for every adapter."""

from collections.abc import Callable
from datetime import UTC, datetime

from rewardrails.domain.money import Money
from rewardrails.errors import AmountInvalid, ErrorCode, RewardRailsError


def money_or_none(read: Callable[[], Money]) -> Money | None:
    """An amount; None for a currency that is not configured or an amount that cannot be: the engine tells of both."""
    try:
        return read()
    except AmountInvalid:
        return None


def moment_of(text: str, provider: str) -> datetime:
    """A moment as RFC 3339 writes it, in UTC where it does not say. Raises `RewardRailsError`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise not_told(provider) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def not_told(provider: str, *, status: int | None = None) -> RewardRailsError:
    """The list was not to be had; half of one would say of the rest that it is missing."""
    match status:
        case 401:
            code, why = ErrorCode.PROVIDER_AUTH_FAILED, "does not know our credentials: are they right?"
        case 403:
            code, why = ErrorCode.PROVIDER_AUTH_FAILED, "does not let us read its list: give our credentials that right"
        case 429:
            code, why = ErrorCode.PROVIDER_RATE_LIMITED, "wants to be asked more slowly: try again later"
        case _:
            code, why = ErrorCode.PROVIDER_UNAVAILABLE, "did not tell its list of payments: try again later"
    return RewardRailsError(f"provider {provider!r} {why}", code=code)


def too_long(provider: str) -> RewardRailsError:
    """More pages than anybody reads."""
    return RewardRailsError(
        f"provider {provider!r} lists more than can be compared at once: name a shorter time with --from and --to",
        code=ErrorCode.FIELD_INVALID,
    )
