"""The providers' door."""

import asyncio
import base64
import hashlib
import hmac
import io
import json
from datetime import timedelta
from uuid import UUID

import pytest

from rewardrails import clock, ids
from rewardrails.api.routes.webhooks import MAX_NOTICE_BYTES
from rewardrails.engine.webhooks import apply_notices
from tests.api.client import SECRET, Answer, Api
from tests.support import season


def signed(body: bytes, *, age: timedelta = timedelta(0), event_id: str = "") -> dict[str, str]:
    event_id = event_id or ids.new_token(8)
    at = str(int((clock.now() - age).timestamp()))
    key = base64.b64decode(SECRET.reveal().removeprefix("whsec_"))
    mac = hmac.digest(key, b".".join((event_id.encode(), at.encode(), body)), hashlib.sha256)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


async def deliver(api: Api, body: bytes | io.BytesIO, headers: dict[str, str], provider: str = "one") -> Answer:
    return await api.post(f"/v1/webhooks/{provider}", raw=body, headers=headers, key=None, token="")


async def notices(api: Api) -> int:
    return (await api.row_counts())["webhook_inbox"]


async def test_a_signed_notice_is_stored_and_then_moves_its_payout(api: Api) -> None:
    payout_id = await api.payout()
    await season.send_all(api.core)
    body = json.dumps({"rail_key": f"{UUID(payout_id).hex}-1", "status": "returned"}).encode()

    answer = await deliver(api, body, signed(body))
    await apply_notices(api.core, 10)

    assert answer.status == 200
    assert (await api.get(f"/v1/payouts/{payout_id}")).json["state"] == "returned"


@pytest.mark.promise("G4")
@pytest.mark.incident("I12")
async def test_a_notice_delivered_fifty_times_at_once_is_kept_once(api: Api) -> None:
    body = b'{"rail_key": "00000000000070008000000000000000-1", "status": "paid"}'
    headers = signed(body)

    answers = await asyncio.gather(*(deliver(api, body, headers) for _ in range(50)))

    assert {answer.status for answer in answers} == {200}
    assert await notices(api) == 1


@pytest.mark.promise("G4")
@pytest.mark.parametrize(
    ("provider", "age", "spoil", "expected"),
    [
        ("one", timedelta(0), True, (401, "webhook_signature_invalid")),
        ("one", timedelta(hours=1), False, (400, "webhook_stale")),
        ("one", timedelta(hours=-1), False, (400, "webhook_stale")),
        ("two", timedelta(0), False, (404, "not_found")),
        ("nobody", timedelta(0), False, (404, "not_found")),
        ("", timedelta(0), False, (404, "not_found")),
    ],
)
async def test_what_cannot_be_believed_is_refused_and_not_stored(
    api: Api, provider: str, age: timedelta, spoil: bool, expected: tuple[int, str]
) -> None:
    body = b'{"rail_key": "x", "status": "paid"}'
    headers = signed(body, age=age)

    answer = await deliver(api, body + b" " if spoil else body, headers, provider)

    assert (answer.status, answer.code) == expected
    assert await notices(api) == 0


@pytest.mark.promise("G8")
async def test_a_notice_that_is_too_large_is_refused_unread(api: Api) -> None:
    body = b"x" * (MAX_NOTICE_BYTES + 1)

    answer = await deliver(api, io.BytesIO(body), signed(body))

    assert (answer.status, answer.json["field"]) == (422, "body")


@pytest.mark.promise("G2")
async def test_our_own_fault_answers_500_so_that_the_provider_sends_again(api: Api) -> None:
    body = b'{"rail_key": "00000000000070008000000000000000-1", "status": "paid"}'
    headers = signed(body)
    async with api.core.database.transaction() as tx:
        before = await tx.fetchval("SELECT count(*) FROM webhook_inbox")
    sealed = api.core.vault.seal
    api.core.vault.seal = None  # type: ignore[method-assign,assignment]

    failed = await deliver(api, body, headers)
    api.core.vault.seal = sealed  # type: ignore[method-assign]
    again = await deliver(api, body, headers)

    assert (before, failed.status, failed.code, again.status) == (0, 500, "internal_error", 200)
    assert await notices(api) == 1
