"""The closed list of stable error codes, and what each one means to whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class ErrorCode(StrEnum):
    """Every reason we give for not doing something; adding one is a changelog entry, changing one breaks callers."""

    INSUFFICIENT_PROVIDER_FUNDS = "insufficient_provider_funds"
    POOL_EXHAUSTED = "pool_exhausted"
    DESTINATION_INVALID = "destination_invalid"
    DESTINATION_UNSUPPORTED = "destination_unsupported"
    DESTINATION_BLOCKED = "destination_blocked"
    DESTINATION_NOT_IN_ADDRESS_BOOK = "destination_not_in_address_book"
    PLAYER_ACTION_REQUIRED = "player_action_required"
    AMOUNT_BELOW_MINIMUM = "amount_below_minimum"
    AMOUNT_ABOVE_MAXIMUM = "amount_above_maximum"
    ASSET_UNSUPPORTED = "asset_unsupported"
    ASSET_NOT_REDEEMABLE = "asset_not_redeemable"
    JURISDICTION_NOT_ALLOWED = "jurisdiction_not_allowed"
    LEGAL_APPROVAL_MISSING = "legal_approval_missing"
    LIMIT_EXCEEDED = "limit_exceeded"
    COOLING_OFF = "cooling_off"
    SCREENING_HOLD = "screening_hold"
    APPROVAL_REQUIRED = "approval_required"
    FIELD_INVALID = "field_invalid"
    AMOUNT_INVALID = "amount_invalid"
    CAMPAIGN_UNKNOWN = "campaign_unknown"
    NOT_FOUND = "not_found"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    STEP_UP_REQUIRED = "step_up_required"
    STATE_CONFLICT = "state_conflict"
    RATE_LIMITED = "rate_limited"
    FILE_INVALID = "file_invalid"
    PROOF_REQUIRED = "proof_required"
    OWNERSHIP_NOT_PROVED = "ownership_not_proved"
    PAYOUTS_PAUSED = "payouts_paused"
    PROVIDER_DISABLED = "provider_disabled"
    PROVIDER_AUTH_FAILED = "provider_auth_failed"
    PROVIDER_IP_NOT_ALLOWED = "provider_ip_not_allowed"
    PROVIDER_REJECTED = "provider_rejected"
    PROVIDER_RATE_LIMITED = "provider_rate_limited"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    WITHDRAWALS_SUSPENDED = "withdrawals_suspended"
    QUOTE_EXPIRED = "quote_expired"
    DUPLICATE_CONFLICT = "duplicate_conflict"
    NOT_CANCELABLE = "not_cancelable"
    VALUE_NOT_READY = "value_not_ready"
    VALUE_ALREADY_REVEALED = "value_already_revealed"
    RETURNED = "returned"
    OUTCOME_UNKNOWN = "outcome_unknown"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    WEBHOOK_SIGNATURE_INVALID = "webhook_signature_invalid"
    WEBHOOK_STALE = "webhook_stale"
    WEBHOOK_SUBJECT_MISMATCH = "webhook_subject_mismatch"
    DATA_ERASED = "data_erased"
    CONTENT_ALTERED = "content_altered"
    KEY_MISSING = "key_missing"
    KEY_SERVICE_UNAVAILABLE = "key_service_unavailable"
    CONFIG_INVALID = "config_invalid"
    DATABASE_UNAVAILABLE = "database_unavailable"
    INTERNAL_ERROR = "internal_error"


class ErrorClass(StrEnum):
    """Who or what can get past an error."""

    RETRYABLE = "retryable"
    NEEDS_PLAYER = "needs_player"
    NEEDS_OPERATOR = "needs_operator"
    TERMINAL = "terminal"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What a code means: its class, the status our API answers with, and the words for operators and for players."""

    error_class: ErrorClass
    http_status: int
    operator_text: str
    player_text: str


_IN_PROGRESS = "Your reward is being processed. You do not need to do anything."
_BEING_CHECKED = "Your reward is being checked. We will tell you as soon as there is news."
_NOT_POSSIBLE = "This reward cannot be paid out this way. Please contact the game's support."
_OTHER_METHOD = "This payout method cannot be used for this reward. Please choose another one."
_CHECK_DESTINATION = "Please check the destination you entered, or choose another one."
_TRY_AGAIN = "Something went wrong on our side. Please try again in a little while."
_CHECK_INPUT = "Something in the request is not right. Please check it and try again."
_NOT_ALLOWED = "You cannot do this. Please contact the game's support."


def _retryable(status: int, operator: str, player: str = _IN_PROGRESS) -> ErrorInfo:
    return ErrorInfo(ErrorClass.RETRYABLE, status, operator, player)


def _needs_player(status: int, operator: str, player: str) -> ErrorInfo:
    return ErrorInfo(ErrorClass.NEEDS_PLAYER, status, operator, player)


def _needs_operator(status: int, operator: str, player: str = _BEING_CHECKED) -> ErrorInfo:
    return ErrorInfo(ErrorClass.NEEDS_OPERATOR, status, operator, player)


def _terminal(status: int, operator: str, player: str = _CHECK_INPUT) -> ErrorInfo:
    return ErrorInfo(ErrorClass.TERMINAL, status, operator, player)


CATALOGUE: Mapping[ErrorCode, ErrorInfo] = MappingProxyType(
    {
        ErrorCode.INSUFFICIENT_PROVIDER_FUNDS: _needs_operator(
            409, "Our balance at the provider is too low: top it up; the payout is then sent by itself.", _IN_PROGRESS
        ),
        ErrorCode.POOL_EXHAUSTED: _needs_operator(
            409, "The reward pool has too little available: fund it, then send the reward again.", _IN_PROGRESS
        ),
        ErrorCode.DESTINATION_INVALID: _needs_player(
            422, "The destination cannot exist: ask the player for another one.", _CHECK_DESTINATION
        ),
        ErrorCode.DESTINATION_UNSUPPORTED: _needs_player(
            422,
            "No configured rail pays this kind of destination: ask for another kind or configure one.",
            _OTHER_METHOD,
        ),
        ErrorCode.DESTINATION_BLOCKED: _needs_operator(
            409, "The destination is on a block list: review the entry, then release or cancel the payout."
        ),
        ErrorCode.DESTINATION_NOT_IN_ADDRESS_BOOK: _needs_operator(
            409,
            "The provider pays only addresses in its own address book: add this one there, with its memo, wait as long as the"
            " provider asks for, then retry.",
            _IN_PROGRESS,
        ),
        ErrorCode.PLAYER_ACTION_REQUIRED: _needs_player(
            409,
            "The player must act at the provider first: remind them, then retry.",
            "Please finish the steps at the payout service, then your reward can be sent.",
        ),
        ErrorCode.AMOUNT_BELOW_MINIMUM: _terminal(
            422,
            "The amount is below what the rail can carry: route it over another rail or gather rewards.",
            _OTHER_METHOD,
        ),
        ErrorCode.AMOUNT_ABOVE_MAXIMUM: _terminal(
            422,
            "The amount is above what the rail can carry: route it over another rail or split the reward.",
            _OTHER_METHOD,
        ),
        ErrorCode.ASSET_UNSUPPORTED: _terminal(
            422,
            "The asset is not declared or the destination cannot carry it: correct the row or declare it.",
            _OTHER_METHOD,
        ),
        ErrorCode.ASSET_NOT_REDEEMABLE: _terminal(
            422,
            "The asset is not declared redeemable and can never be paid out: correct the row.",
            "This kind of reward stays in the game and cannot be paid out.",
        ),
        ErrorCode.JURISDICTION_NOT_ALLOWED: _needs_operator(
            422,
            "The campaign does not pay out in this jurisdiction: correct the row or extend the campaign.",
            _NOT_POSSIBLE,
        ),
        ErrorCode.LEGAL_APPROVAL_MISSING: _needs_operator(
            409, "The rail has no recorded legal approval: have one recorded before it may send."
        ),
        ErrorCode.LIMIT_EXCEEDED: _needs_operator(
            409, "A limit is reached: wait for its next window, raise it, or cancel the payout."
        ),
        ErrorCode.COOLING_OFF: _retryable(
            409, "The destination changed lately: the payout goes on when the cooling-off period ends.", _BEING_CHECKED
        ),
        ErrorCode.SCREENING_HOLD: _needs_operator(
            409, "Screening found a possible match: review it, then release or cancel the payout."
        ),
        ErrorCode.APPROVAL_REQUIRED: _needs_operator(
            409, "The payout waits for approval: approve or refuse it; nobody approves what they requested."
        ),
        ErrorCode.FIELD_INVALID: _terminal(422, "An input is malformed: correct the named field and send it again."),
        ErrorCode.AMOUNT_INVALID: _terminal(
            422,
            "The amount is not a plain positive decimal within the asset's decimals: correct it and send it again.",
        ),
        ErrorCode.CAMPAIGN_UNKNOWN: _terminal(
            422, "The campaign is not configured: correct its name or add it to the configuration.", _NOT_POSSIBLE
        ),
        ErrorCode.NOT_FOUND: _terminal(
            404, "Nothing has that id here: check the id and the environment.", "We could not find this reward."
        ),
        ErrorCode.UNAUTHORIZED: _terminal(
            401, "The API key or session is missing, wrong or expired: use a valid one.", "Please sign in again."
        ),
        ErrorCode.FORBIDDEN: _terminal(
            403, "The caller's role does not allow this: use a key or person with the named role.", _NOT_ALLOWED
        ),
        ErrorCode.STEP_UP_REQUIRED: _needs_operator(
            403, "This needs a fresh sign-in: prove again who you are, then send it again.", _NOT_ALLOWED
        ),
        ErrorCode.STATE_CONFLICT: _terminal(
            409, "The present state does not allow this: read the payout again and decide anew.", _BEING_CHECKED
        ),
        ErrorCode.RATE_LIMITED: _retryable(
            429, "Too many requests: wait as long as Retry-After says.", "Too many tries. Please wait a moment."
        ),
        ErrorCode.FILE_INVALID: _terminal(
            422,
            "The file as a whole cannot be read: save it as UTF-8 CSV with the documented header and upload it again.",
        ),
        ErrorCode.PROOF_REQUIRED: _needs_operator(
            422, "This needs evidence: attach the provider's reference or document and try again."
        ),
        ErrorCode.OWNERSHIP_NOT_PROVED: _needs_player(
            422,
            "The proof of ownership does not hold: ask for a new challenge and have the player answer that one in time.",
            "We could not confirm that this destination is yours. Please try again.",
        ),
        ErrorCode.PAYOUTS_PAUSED: _needs_operator(
            409, "Payouts are paused: resume them when the cause is settled; nothing is lost meanwhile.", _IN_PROGRESS
        ),
        ErrorCode.PROVIDER_DISABLED: _needs_operator(
            409, "The provider is switched off: enable it in the configuration or route elsewhere.", _IN_PROGRESS
        ),
        ErrorCode.PROVIDER_AUTH_FAILED: _needs_operator(
            502,
            "The provider refused our credentials: renew them; the payouts are then sent by themselves.",
            _IN_PROGRESS,
        ),
        ErrorCode.PROVIDER_IP_NOT_ALLOWED: _needs_operator(
            502,
            "The provider takes our key only from other network addresses: add this machine's outgoing address to the key's"
            " list there; the payouts are then sent by themselves.",
            _IN_PROGRESS,
        ),
        ErrorCode.PROVIDER_REJECTED: _needs_operator(
            409, "The provider refused the payout for certain: read its raw code, correct the cause, then retry."
        ),
        ErrorCode.PROVIDER_RATE_LIMITED: _retryable(
            503,
            "The provider asks us to slow down: sending goes on by itself; lower the configured rate if this stays.",
        ),
        ErrorCode.PROVIDER_UNAVAILABLE: _retryable(
            503, "The provider cannot be reached: sending goes on by itself when it is back; look at its status page."
        ),
        ErrorCode.WITHDRAWALS_SUSPENDED: _needs_operator(
            502,
            "The provider has stopped withdrawals, of this asset or from our account: look there for its reason; the payouts"
            " are sent by themselves when it is over.",
            _IN_PROGRESS,
        ),
        ErrorCode.QUOTE_EXPIRED: _terminal(
            409,
            "The quote is past its time or used up: ask for a new one.",
            "The offer has expired. Please ask for a new one.",
        ),
        ErrorCode.DUPLICATE_CONFLICT: _needs_operator(
            409,
            "The provider has our reference with other content: compare both records before anything is sent again.",
        ),
        ErrorCode.NOT_CANCELABLE: _terminal(
            409,
            "The payout can no longer be taken back: wait for its outcome.",
            "This payout can no longer be canceled.",
        ),
        ErrorCode.VALUE_NOT_READY: _retryable(
            409, "The payout's code or link is not there yet: ask again when the payout is paid."
        ),
        ErrorCode.VALUE_ALREADY_REVEALED: _needs_operator(
            409,
            "The payout's code or link was given out before: if that answer was lost, reissue it with a reason, then ask again.",
            "Your reward was shown before. If you did not see it, please contact the game's support.",
        ),
        ErrorCode.RETURNED: _needs_player(
            409,
            "The money came back: ask the player for another destination, then retry.",
            "The payout came back to us. Please check your destination or choose another one.",
        ),
        ErrorCode.OUTCOME_UNKNOWN: ErrorInfo(
            ErrorClass.UNKNOWN,
            409,
            "It cannot be proved what the provider did: look there, then have two people resolve it with evidence.",
            _IN_PROGRESS,
        ),
        ErrorCode.IDEMPOTENCY_KEY_REUSED: _terminal(
            409, "The same key came before with other content: send the first content again, or a new key."
        ),
        ErrorCode.WEBHOOK_SIGNATURE_INVALID: _terminal(
            401, "A delivery's signature does not verify: compare the webhook secret here and at the provider."
        ),
        ErrorCode.WEBHOOK_STALE: _terminal(
            400, "A delivery's time is too far from ours: check this machine's clock; the status is polled meanwhile."
        ),
        ErrorCode.WEBHOOK_SUBJECT_MISMATCH: _needs_operator(
            409, "A provider's report contradicts the payout it names: compare amount, asset and destination there."
        ),
        ErrorCode.DATA_ERASED: _terminal(
            409,
            "The player's data were erased by request: give the payout a new destination, or leave it as it is.",
            _CHECK_DESTINATION,
        ),
        ErrorCode.CONTENT_ALTERED: _needs_operator(
            409,
            "What is stored is not what was asked for, so it is not sent: verify the log, find who writes to the database.",
        ),
        ErrorCode.KEY_MISSING: _needs_operator(
            500,
            "Something stored is sealed with a key this process was not given: configure that key, then start again.",
            _TRY_AGAIN,
        ),
        ErrorCode.KEY_SERVICE_UNAVAILABLE: _retryable(
            503,
            "The key service does not answer: nothing was begun; look at the service, then start again.",
            _TRY_AGAIN,
        ),
        ErrorCode.CONFIG_INVALID: _needs_operator(
            500,
            "The configuration cannot be run with: correct the named file, line and field, then start again.",
            _TRY_AGAIN,
        ),
        ErrorCode.DATABASE_UNAVAILABLE: _retryable(
            503,
            "The database does not answer: everything goes on by itself when it is back; look at its server.",
            _TRY_AGAIN,
        ),
        ErrorCode.INTERNAL_ERROR: _retryable(
            500, "A defect in RewardRails: look up the trace id in the log and report it.", _TRY_AGAIN
        ),
    }
)
