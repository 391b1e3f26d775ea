"""Refusals as RFC 9457 problem details; every code and status comes from the catalogue of errors."""

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from rewardrails.error_codes import CATALOGUE
from rewardrails.errors import ErrorCode, FieldInvalid, NotFound, RateLimited, RewardRailsError
from rewardrails.store.database import LOST

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:rewardrails:error:"
METHOD_NOT_ALLOWED = 405
_ON_THE_WIRE = {
    "accept": "Accept",
    "data": "body",
    "idempotency-key": "Idempotency-Key",
    "idempotency_key": "Idempotency-Key",
    "in_state": "state",
}
log = structlog.get_logger(__name__)


class Problem(msgspec.Struct, kw_only=True):
    """Why a request was refused. `type` is the code as a name of its own, no address; `field` names the input at fault."""

    type: str
    title: str
    status: int
    detail: str
    code: ErrorCode
    field: str | None
    request_id: str


def problem_of(error: RewardRailsError, request_id: str, *, status: int | None = None) -> Problem:
    """The problem that tells a caller of `error`; a defect tells nothing but its code."""
    info = CATALOGUE[error.code]
    told = error.code is not ErrorCode.INTERNAL_ERROR
    return Problem(
        type=f"{TYPE}{error.code.value}",
        title=error.code.value.replace("_", " "),
        status=status or info.http_status,
        detail=error.message if told else info.operator_text,
        code=error.code,
        field=error.field if told else None,
        request_id=request_id,
    )


def refuse(request: Request, error: Exception) -> Response[Problem]:  # type: ignore[type-arg]
    """The answer to a request that ended in `error`; whatever we do not know is our own defect and is logged."""
    known, status, headers = _known(error)
    if known.code is ErrorCode.INTERNAL_ERROR:
        log.error("request_failed", method=request.method, path=request.scope.get("path_template"), exc_info=error)
    elif known.code is ErrorCode.DATABASE_UNAVAILABLE:
        log.warning(
            "database_unavailable",
            method=request.method,
            path=request.scope.get("path_template"),
            reason=type(error).__name__,
        )
    request.scope["state"]["refused"] = known
    problem = problem_of(known, request_id_of(request), status=status)
    return Response(problem, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def fault_of(error: Exception) -> RewardRailsError:
    """What to tell of an error that is no refusal: that the database is away, or else that we have a defect."""
    if isinstance(error, LOST):
        return RewardRailsError("the database does not answer: send it again", code=ErrorCode.DATABASE_UNAVAILABLE)
    return RewardRailsError(type(error).__name__)


def request_id_of(request: Request) -> str:  # type: ignore[type-arg]
    """The id under which this request stands in the log."""
    return str(request.scope["state"].get("request_id", ""))


def _known(error: Exception) -> tuple[RewardRailsError, int | None, dict[str, str]]:
    match error:
        case RateLimited():
            return error, None, {"Retry-After": str(error.retry_after_seconds)}
        case RewardRailsError():
            headers = {"WWW-Authenticate": "Bearer"} if error.code is ErrorCode.UNAUTHORIZED else {}
            return error, None, headers
        case NotFoundException():
            return NotFound("there is nothing at this address: look at /openapi.json"), None, {}
        case MethodNotAllowedException():
            headers = error.headers if isinstance(error.headers, dict) else {}
            allowed = {"Allow": str(headers.get("Allow") or headers.get("allow") or "")}
            return NotFound("this address does not take this method"), METHOD_NOT_ALLOWED, allowed
        case ValidationException():
            return _invalid(error), None, {}
        case HTTPException() if error.status_code == 413:
            return FieldInvalid("the body is larger than this address takes", field="body"), None, {}
        case HTTPException() if 400 <= error.status_code < 500:
            return FieldInvalid("the request cannot be read: see /openapi.json for its form", field="body"), None, {}
        case _:
            return fault_of(error), None, {}


def _invalid(error: ValidationException) -> FieldInvalid:
    first = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    name = str(first.get("key", "")) if isinstance(first, dict) else ""
    words = str(first.get("message", "")) if isinstance(first, dict) else ""
    if not name:  # a missing parameter comes without `extra`: "Missing required header parameter 'x' for path /y"
        name = error.detail.split("'")[1] if error.detail.startswith("Missing required") else "body"
        words = "it is missing"
    if "matching regex" in words:
        words = "it holds a character that is not allowed"
    elif words.startswith("Invalid enum value"):
        words = "it is none of the values that /openapi.json lists"
    elif name == "data":
        words = "it is missing"
    name = _ON_THE_WIRE.get(name.lower(), name)
    return FieldInvalid(f"{name}: {words}", field=name)
