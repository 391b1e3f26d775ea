"""The exceptions, each with the stable code it carries.

    RewardRailsError             any code, given as `code=`
    ├── FieldInvalid             field_invalid
    │   ├── AmountInvalid        amount_invalid
    │   └── DestinationInvalid   destination_invalid
    ├── ConfigInvalid            config_invalid; knows file and line
    │   └── KeyMissing           key_missing
    ├── KeyServiceUnavailable    key_service_unavailable
    ├── Unauthorized             unauthorized
    ├── Forbidden                forbidden
    │   └── StepUpRequired       step_up_required
    ├── RateLimited              rate_limited; knows how long to wait
    ├── NotFound                 not_found
    ├── StateConflict            state_conflict
    │   ├── NotCancelableError   not_cancelable
    │   ├── ValueNotReady        value_not_ready
    │   ├── ValueAlreadyRevealed value_already_revealed
    │   └── DataErased           data_erased
    ├── IdempotencyKeyReused     idempotency_key_reused
    ├── PoolExhausted            pool_exhausted
    ├── FileInvalid              file_invalid
    ├── ProofRequired            proof_required
    ├── QuoteExpired             quote_expired
    ├── ProviderDisabled         provider_disabled
    └── WebhookRefused           webhook_signature_invalid, webhook_stale or field_invalid

A message says what happened, to which id, and what to do; it never holds a secret or personal data.
"""

from typing import Literal

from rewardrails.error_codes import CATALOGUE, ErrorInfo
from rewardrails.error_codes import ErrorCode as ErrorCode  # noqa: PLC0414 - whoever raises an error names a code


class RewardRailsError(Exception):
    """A refusal with a stable code; `field` names the input at fault, if one is.

    The class says the code; an instance may carry a narrower one through `code=`.
    """

    code: ErrorCode = ErrorCode.INTERNAL_ERROR

    def __init__(self, message: str, *, field: str | None = None, code: ErrorCode | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code is not None:
            self.code = code

    @property
    def info(self) -> ErrorInfo:
        """The catalogue's entry for this error's code."""
        return CATALOGUE[self.code]


class FieldInvalid(RewardRailsError):
    """An input is malformed."""

    code = ErrorCode.FIELD_INVALID


class AmountInvalid(FieldInvalid):
    """An amount is not a plain positive decimal that fits its asset."""

    code = ErrorCode.AMOUNT_INVALID


class DestinationInvalid(FieldInvalid):
    """A destination cannot exist: malformed, wrong checksum, or of another network."""

    code = ErrorCode.DESTINATION_INVALID


class ConfigInvalid(RewardRailsError):
    """The configuration cannot be run with; the text starts with `file:line:` where those are known."""

    code = ErrorCode.CONFIG_INVALID

    def __init__(
        self, message: str, *, field: str | None = None, file: str | None = None, line: int | None = None
    ) -> None:
        super().__init__(message, field=field)
        self.file = file
        self.line = line

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return f"{place}: {self.message}" if place else self.message


class KeyMissing(ConfigInvalid):
    """Something is sealed with a key that this process was not given."""

    code = ErrorCode.KEY_MISSING


class KeyServiceUnavailable(RewardRailsError):
    """The service that keeps the keys does not answer, or refuses."""

    code = ErrorCode.KEY_SERVICE_UNAVAILABLE


class Unauthorized(RewardRailsError):
    """Nobody we know is asking."""

    code = ErrorCode.UNAUTHORIZED


class Forbidden(RewardRailsError):
    """The caller is known and may not do this."""

    code = ErrorCode.FORBIDDEN


class StepUpRequired(Forbidden):
    """The caller must have proved lately who they are."""

    code = ErrorCode.STEP_UP_REQUIRED


class RateLimited(RewardRailsError):
    """Too many tries; `retry_after_seconds` says when the next one is heard."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotFound(RewardRailsError):
    """Nothing has that id."""

    code = ErrorCode.NOT_FOUND


class StateConflict(RewardRailsError):
    """The thing is not in a state that allows this."""

    code = ErrorCode.STATE_CONFLICT


class NotCancelableError(StateConflict):
    """The payout can no longer be taken back."""

    code = ErrorCode.NOT_CANCELABLE


class ValueNotReady(StateConflict):
    """The payout's code or link is not there yet."""

    code = ErrorCode.VALUE_NOT_READY


class ValueAlreadyRevealed(StateConflict):
    """The payout's code or link was given out before."""

    code = ErrorCode.VALUE_ALREADY_REVEALED


class DataErased(StateConflict):
    """What is asked for was erased at its player's request, and no key opens it any more."""

    code = ErrorCode.DATA_ERASED


class IdempotencyKeyReused(RewardRailsError):
    """The same key came again with other content."""

    code = ErrorCode.IDEMPOTENCY_KEY_REUSED


class PoolExhausted(RewardRailsError):
    """The pool has too little available."""

    code = ErrorCode.POOL_EXHAUSTED


class FileInvalid(RewardRailsError):
    """A file as a whole cannot be read; single bad rows are refused alone."""

    code = ErrorCode.FILE_INVALID


class ProofRequired(RewardRailsError):
    """The action needs evidence that was not given."""

    code = ErrorCode.PROOF_REQUIRED


class OwnershipRefused(RewardRailsError):
    """A proof that a destination is the player's does not hold; `reason` is a stable word for why."""

    code = ErrorCode.OWNERSHIP_NOT_PROVED

    def __init__(self, message: str, *, reason: str, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.reason = reason


class QuoteExpired(RewardRailsError):
    """The quote is past its time or used up."""

    code = ErrorCode.QUOTE_EXPIRED


class ProviderDisabled(RewardRailsError):
    """The provider is configured but not switched on."""

    code = ErrorCode.PROVIDER_DISABLED


WebhookRefusalCode = Literal[ErrorCode.WEBHOOK_SIGNATURE_INVALID, ErrorCode.WEBHOOK_STALE, ErrorCode.FIELD_INVALID]


class WebhookRefused(RewardRailsError):
    """A delivery that must not be believed: bad signature, too old or too new, or unreadable."""

    code = ErrorCode.WEBHOOK_SIGNATURE_INVALID

    def __init__(self, message: str, *, code: WebhookRefusalCode, field: str | None = None) -> None:
        super().__init__(message, field=field, code=code)
