"""Payments that somebody makes at the provider without us."""

import asyncio
import json
import urllib.request

from tests.support.stage import Rail, Stage

AT_ONCE = Rail(more="reconcile = { margin_hours = 0.0 }")
IBAN = "DE89370400440532013000"


async def pay_behind(stage: Stage, *, key: str, reference: str, amount: str = "7.00") -> str:
    """Pay with our own credentials, past the engine; answers the provider's id."""
    body = {
        "reference": reference,
        "amount": amount,
        "asset": "EUR",
        "destination": {"kind": "iban", "value": IBAN},
    }
    request = urllib.request.Request(
        f"{stage.one.url}/v1/payouts",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {stage.one.token}",
            "Idempotency-Key": key,
            "Content-Type": "application/json",
        },
    )

    def send() -> str:
        with urllib.request.urlopen(request) as answer:
            return str(json.load(answer)["id"])

    return await asyncio.to_thread(send)
