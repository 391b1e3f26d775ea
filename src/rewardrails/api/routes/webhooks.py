"""Providers' notices: no API key, but a signature over the raw bytes that the provider's adapter verifies.

A plain ASGI application: this is the busiest door, and it needs nothing of what the others have.
"""

from collections.abc import Iterable
from typing import cast

import msgspec
import structlog
from litestar import asgi
from litestar.types import HTTPScope, Receive, Scope, Send

from rewardrails import clock
from rewardrails.api.gathering import Gathering
from rewardrails.api.problems import MEDIA_TYPE, METHOD_NOT_ALLOWED, fault_of, problem_of
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine.core import Core
from rewardrails.engine.webhooks import fetch_keys, verify
from rewardrails.error_codes import CATALOGUE
from rewardrails.errors import ErrorCode, FieldInvalid, NotFound, RewardRailsError
from rewardrails.observability import metrics

PATH = "/v1/webhooks"
MAX_NOTICE_BYTES = 1024 * 1024
MAX_DRAINED_BYTES = 8 * MAX_NOTICE_BYTES
"""How much of a body that is too large is read and dropped, so that its sender can hear why it is refused."""
_ACCEPTED = b'{"received":true}'
log = structlog.get_logger(__name__)


@asgi(PATH, is_mount=True, copy_scope=False)
async def receive_webhook(scope: Scope, receive: Receive, send: Send) -> None:
    """Take one notice: 200 once it is stored; a refusal by the catalogue; 5xx for our own faults, so that it comes again."""
    core: Core = scope["litestar_app"].state.core
    name = scope["path"].removeprefix(PATH).strip("/")
    scope["path_template"] = f"{PATH}/{{provider}}"
    known = name if name in core.config.providers else "unknown"
    try:
        if cast(HTTPScope, scope)["method"] != "POST":
            await _refuse(scope, send, NotFound("this address takes POST only"), status=METHOD_NOT_ALLOWED)
            return
        gathering: Gathering = scope["litestar_app"].state.gathering
        request = await _read(scope, receive)
        await fetch_keys(core, name, request)
        notice = verify(core, name, request)
        await gathering.notices.submit(notice)
    except RewardRailsError as error:
        metrics.count_webhook(provider=known, verdict=error.code.value)
        log.warning("webhook_refused", provider=known, code=error.code.value)
        scope["state"] |= {"refused": error, "refused_actor": f"provider:{known}"}
        await _refuse(scope, send, error)
    except Exception as error:  # the edge: whatever broke is ours, and the provider must send it again
        fault = fault_of(error)
        metrics.count_webhook(provider=known, verdict=fault.code.value)
        if fault.code is ErrorCode.DATABASE_UNAVAILABLE:
            log.warning("database_unavailable", provider=known, reason=type(error).__name__)
        else:
            log.exception("webhook_failed", provider=known)
        await _refuse(scope, send, fault)
    else:
        metrics.count_webhook(provider=known, verdict="received")
        await _respond(send, 200, "application/json", _ACCEPTED)


async def _read(scope: Scope, receive: Receive) -> WebhookRequest:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise FieldInvalid("the sender went away before the end of the body", field="body")
        size += len(message["body"])
        if size <= MAX_NOTICE_BYTES:
            parts.append(message["body"])
        elif size > MAX_DRAINED_BYTES:
            break
        more = message["more_body"]
    if size > MAX_NOTICE_BYTES:
        raise FieldInvalid(f"the body has more than {MAX_NOTICE_BYTES} bytes", field="body")
    return WebhookRequest(body=b"".join(parts), headers=_headers(scope["headers"]), received_at=clock.now())


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """By lower-cased name; of a header that came twice nobody can say which one counts, so neither is passed off as it."""
    headers: dict[str, str] = {}
    for name, value in raw:
        known, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[known] = f"{headers[known]},{text}" if known in headers else text
    return headers


async def _refuse(scope: Scope, send: Send, error: RewardRailsError, *, status: int | None = None) -> None:
    problem = problem_of(error, scope["state"].get("request_id", ""), status=status)
    status = status or CATALOGUE[error.code].http_status
    await _respond(
        send, status, MEDIA_TYPE, msgspec.json.encode(problem), (b"allow", b"POST") if status == 405 else None
    )


async def _respond(
    send: Send, status: int, media_type: str, body: bytes, header: tuple[bytes, bytes] | None = None
) -> None:
    headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, header] if header else headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
