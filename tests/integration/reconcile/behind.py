"""Payments that somebody makes at the provider without us."""

import asyncio
import json
import urllib.request

from tests.support.stage import Rail, Stage

AT_ONCE = Rail(more="reconcile = { margin_hours = 0.0 }")
IBAN = "DE89370400440532013000"


async def pay_behind(stage: Stage, *, key: str, reference: str, amount: str = "7.00") -> str:
    """Pay with our own credentials, past the engine; answers the provider's id."""
    answer = await _post(stage, "/v1/payouts", key, _body(reference, amount))
    return str(answer["id"])


async def pay_many_behind(stage: Stage, count: int) -> None:
    """The same in batches of 500."""
    for first in range(0, count, 500):
        payouts = [_body(f"other {number}", "1.00") for number in range(first, min(first + 500, count))]
        await _post(stage, "/v1/batches", f"batch {first}", {"payouts": payouts})


def _body(reference: str, amount: str) -> dict[str, object]:
    return {
        "reference": reference,
        "amount": amount,
        "asset": "EUR",
        "destination": {"kind": "iban", "value": IBAN},
    }


async def _post(stage: Stage, path: str, key: str, body: object) -> dict[str, object]:
    request = urllib.request.Request(
        f"{stage.one.url}{path}",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {stage.one.token}",
            "Idempotency-Key": key,
            "Content-Type": "application/json",
        },
    )

    def send() -> dict[str, object]:
        with urllib.request.urlopen(request) as answer:
            return dict(json.load(answer))

    return await asyncio.to_thread(send)
