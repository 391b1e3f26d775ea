"""The closed list of errors the fake provider's API can answer with."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalInfo:
    """An error's HTTP status, its words, and whether it passes by itself."""

    status: int
    message: str
    passes: bool = False


REFUSALS: Mapping[str, RefusalInfo] = MappingProxyType(
    {
        "destination_closed": RefusalInfo(status=422, message="The destination takes no payments any more."),
        "destination_invalid": RefusalInfo(status=422, message="There is no such destination."),
        "destination_unsupported": RefusalInfo(status=422, message="This kind of destination is not served."),
        "recipient_action_required": RefusalInfo(status=422, message="The recipient must act first."),
        "amount_too_low": RefusalInfo(status=422, message="The amount is below the minimum."),
        "amount_too_high": RefusalInfo(status=422, message="The amount is above the maximum."),
        "amount_malformed": RefusalInfo(status=422, message="The amount has too many places."),
        "asset_not_supported": RefusalInfo(status=422, message="This asset is not served."),
        "insufficient_float": RefusalInfo(
            status=422, message="The balance does not cover amount and fee.", passes=True
        ),
        "compliance_declined": RefusalInfo(status=422, message="Declined."),
        "request_invalid": RefusalInfo(status=400, message="The request is malformed."),
        "key_missing": RefusalInfo(status=400, message="The Idempotency-Key header is missing."),
        "unauthorized": RefusalInfo(status=401, message="The token is missing or wrong."),
        "not_found": RefusalInfo(status=404, message="There is no such thing."),
        "key_reused": RefusalInfo(status=409, message="The key was used with other content."),
        "not_cancelable": RefusalInfo(status=409, message="The payout has gone too far."),
        "rate_limited": RefusalInfo(status=429, message="Too many requests.", passes=True),
        "internal": RefusalInfo(status=500, message="Something broke."),
        "unavailable": RefusalInfo(status=503, message="Down for a moment.", passes=True),
    }
)

UNLISTED = RefusalInfo(status=422, message="Refused.")
PASSING_CODES = frozenset(code for code, info in REFUSALS.items() if info.passes)


def info_for(code: str) -> RefusalInfo:
    """The listed facts; a code chosen over the control API may be one that no table knows."""
    return REFUSALS.get(code, UNLISTED)
