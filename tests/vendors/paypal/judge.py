"""PayPal's own description of its API, held against what we send and against what our double answers."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

DESCRIPTION = Path(__file__).parents[2] / "data" / "specs" / "paypal_payouts_v1.json"
HOST = "https://api-m.sandbox.paypal.com"
JSON = "application/json"
# Where the description lets everything through, its prose does not.
RECIPIENT_TYPES = frozenset({"EMAIL", "PHONE", "PAYPAL_ID", "USER_HANDLE"})
PLAIN_AMOUNT = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]{1,3})?")


@cache
def description() -> OpenAPI:
    return OpenAPI.from_file_path(str(DESCRIPTION))


def faults_of_exchange(method: str, path: str, sent: bytes, *, status: int, answered: bytes) -> list[str]:
    """What the description has against a request or its answer; empty where both are as PayPal says."""
    request = MockRequest(HOST, method.lower(), path.rstrip("/"), data=sent or None, content_type=JSON if sent else "")
    return [*_faults_of_request(request, status), *_faults_of_response(request, status, answered)]


def strict_faults(body: Mapping[str, Any]) -> list[str]:
    """Rules of the prose that the description leaves open."""
    faults = []
    for item in body["items"]:
        if item.get("recipient_type", body["sender_batch_header"].get("recipient_type")) not in RECIPIENT_TYPES:
            faults.append("recipient_type is none of PayPal's")
        if not PLAIN_AMOUNT.fullmatch(item["amount"]["value"]):
            faults.append("amount.value is no plain decimal")
        if not re.fullmatch(r"[A-Z]{3}", item["amount"]["currency"]):
            faults.append("amount.currency is no ISO code")
        if not item.get("receiver"):
            faults.append("receiver is missing")
    return faults


def _faults_of_request(request: MockRequest, status: int) -> list[str]:
    if status == 400:  # a bad request is allowed to be one, if it was refused
        return []
    try:
        description().validate_request(request)
    except OpenAPIError as error:
        return [f"request: {error!r} {error.__cause__!r}"]
    return []


def _faults_of_response(request: MockRequest, status: int, answered: bytes) -> list[str]:
    try:
        description().validate_response(request, MockResponse(answered, status, content_type=JSON))
    except OpenAPIError as error:
        return [f"answer {status}: {error!r} {error.__cause__!r}"]
    return []
