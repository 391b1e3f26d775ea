"""Headers as hostile callers write them, sent to a running API byte for byte."""

import json

from tests.api.client import REWARD, Api
from tests.webhooks.raw_http import exchange

BODY = json.dumps(REWARD).encode()


async def create_under(api: Api, key: str) -> None:
    """Ask for a payout under a hostile idempotency key: taken, or refused, and never a fault of ours."""
    port = api.session._base_url.port  # type: ignore[union-attr]
    assert port is not None
    rest = f"Host: localhost\r\nAuthorization: Bearer {api.token}\r\nContent-Length: {len(BODY)}\r\nConnection: close\r\n\r\n"
    named = b"Idempotency-Key: " + key.encode("utf-8", "surrogatepass") + b"\r\n"

    reply = await exchange(port, b"POST /v1/payouts HTTP/1.1\r\n" + named + rest.encode() + BODY)

    assert reply.status < 500
