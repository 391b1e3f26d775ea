"""PayPal's own client and description understand our double, so the double is not merely our own misunderstanding."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from paypalrestsdk import Api, Payout, PayoutItem, WebhookEvent
from paypalrestsdk.exceptions import ForbiddenAccess, ResourceNotFound, UnauthorizedAccess

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from rewardrails.testing.contract import SignedBy
from tests.vendors.paypal import judge
from tests.vendors.paypal.double import CLIENT_ID, CLIENT_SECRET, MAGIC, TRUTHS, PayPalDouble
from tests.vendors.paypal.notices import WEBHOOK_ID, PayPalNotices, keys

KEY = "00000000000070008000000000000000-1"


# Of an address that ends with a slash the client makes one with the id in it twice; ours have none.
class Batches(Payout):
    path = Payout.path.rstrip("/")


class Items(PayoutItem):
    path = PayoutItem.path.rstrip("/")


def wanted(**changes: object) -> dict[str, Any]:
    item = {
        "recipient_type": "EMAIL",
        "receiver": "a@example.org",
        "amount": {"currency": "USD", "value": "12.50"},
        "sender_item_id": KEY,
    }
    return {"sender_batch_header": {"sender_batch_id": KEY}, "items": [item | changes]}


@pytest.fixture
async def double() -> AsyncIterator[PayPalDouble]:
    async with PayPalDouble() as opened:
        yield opened


@pytest.fixture
def api(double: PayPalDouble) -> Api:
    return Api({"endpoint": double.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})


async def created(api: Api, body: dict[str, Any]) -> Payout:
    payout = Batches(body, api=api)
    await asyncio.to_thread(payout.create)
    return payout


async def test_a_batch_is_made_once_and_read_back(api: Api, double: PayPalDouble) -> None:
    made = await created(api, wanted())
    again = await created(api, wanted())
    found = await asyncio.to_thread(Batches.find, made.batch_header.payout_batch_id, api=api)
    item = await asyncio.to_thread(Items.find, found["items"][0].payout_item_id, api=api)

    assert made.success()
    assert again.error["name"] == "USER_BUSINESS_ERROR"
    assert again.error["details"][0]["link"][0]["href"].endswith(made.batch_header.payout_batch_id)
    assert (item.sender_batch_id, item.payout_item.amount.value, len(double.taken)) == (KEY, "12.50", 1)


async def test_an_unclaimed_item_is_canceled_once(api: Api, double: PayPalDouble) -> None:
    await created(api, wanted())
    item = await asyncio.to_thread(Items.find, double.taken[0].item_id, api=api)

    assert await asyncio.to_thread(item.cancel)
    assert double.taken[0].item_status == "RETURNED"
    assert not await asyncio.to_thread(item.cancel)
    assert item.error["name"] == "ITEM_ALREADY_CANCELLED"


async def test_refusals_are_those_that_the_client_knows(api: Api, double: PayPalDouble) -> None:
    stranger = Api({"endpoint": double.url, "client_id": "x", "client_secret": "y"})

    with pytest.raises(ResourceNotFound):
        await asyncio.to_thread(Batches.find, "UNHEARDOF", api=api)
    with pytest.raises(ForbiddenAccess):
        await created(api, wanted(note="ERRPYO012"))
    with pytest.raises(UnauthorizedAccess):
        await created(stranger, wanted())
    refused = await created(api, wanted(note="ERRPYO010"))

    assert refused.error["name"] == "VALIDATION_ERROR"
    assert double.taken == []


@pytest.mark.parametrize("status", [status for status in TRUTHS if status is not ObservedStatus.UNKNOWN])
async def test_every_status_of_the_double_is_one_that_the_description_knows(
    api: Api, double: PayPalDouble, status: ObservedStatus
) -> None:
    made = await created(api, wanted())
    await double.move(KEY, status)

    found = await asyncio.to_thread(Batches.find, made.batch_header.payout_batch_id, api=api)

    assert (found.batch_header.batch_status, found["items"][0].transaction_status) == TRUTHS[status]
    assert double.faults == []


@pytest.mark.parametrize("spoilt", [{"amount": {"currency": "USD", "value": 12.5}}, {"amount": {"currency": "USD"}}])
def test_the_judge_sees_a_request_that_paypal_would_not_take(spoilt: dict[str, Any]) -> None:
    sent = json.dumps(wanted(**spoilt)).encode()
    answered = json.dumps({"name": "A", "message": "b", "debug_id": "c"}).encode()

    assert judge.faults_of_exchange("POST", "/v1/payments/payouts", sent, status=422, answered=answered)


def test_the_judge_sees_an_answer_that_is_not_paypal_s() -> None:
    header = {"payout_batch_id": "A", "batch_status": "DONE", "sender_batch_header": {}}
    answered = json.dumps({"batch_header": header}).encode()

    assert judge.faults_of_exchange("GET", "/v1/payments/payouts/A", b"", status=200, answered=answered)


@pytest.mark.parametrize("recipient", ["IBAN", "", "email"])
@pytest.mark.parametrize(("currency", "value"), [("USDT1", "10,5"), ("usd", "1e3")])
def test_the_judge_is_stricter_than_the_description(recipient: str, currency: str, value: str) -> None:
    body = wanted(recipient_type=recipient, amount={"currency": currency, "value": value})

    assert len(judge.strict_faults(body)) == 3


def test_a_notice_is_signed_over_what_the_client_says() -> None:
    body = '{"id":"WH-1","summary":"Zażółć"}'.encode()
    headers = PayPalNotices().sign(body, event="WH-1", at=clock.now(), by=SignedBy.VENDOR)

    said = WebhookEvent._get_expected_sig(
        headers["paypal-transmission-id"], headers["paypal-transmission-time"], WEBHOOK_ID, body.decode()
    )

    signature = b64decode(headers["paypal-transmission-sig"])
    keys()["leaf"].public_key().verify(signature, said.encode(), PKCS1v15(), SHA256())


def test_the_sandbox_s_magic_words_are_there() -> None:
    assert {
        "ERRPYO005",
        "ERRPYO006",
        "ERRPYO010",
        "ERRPYO012",
        "ERRPYO035",
        "ERRPYO036",
        "ERRPYO038",
        "ERRPYO039",
    } <= set(MAGIC)
