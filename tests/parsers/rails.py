"""What a rail's adapter reads: notices once they are proved genuine, the headers that prove them, and answers to calls."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import strategies as st

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Found
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine import notice_codec
from rewardrails.engine.observe import evidence_text
from rewardrails.errors import RewardRailsError, WebhookRefused
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.fake.provider import FakeProvider
from rewardrails.providers.fake.webhook import read_event
from rewardrails.providers.http import HeaderValue, HttpClient, HttpReply
from rewardrails.providers.signatures import StandardWebhook
from rewardrails.secrets import Secret
from rewardrails.testing.mutants import standard_webhook
from tests.parsers.hostile import almost, almost_bytes, anything
from tests.parsers.readers import Reader

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECRET = Secret("whsec_" + "A" * 44)
REF = AttemptRef(payout_id=UUID("0190c7e8b5e87000800000000000000a"), attempt_no=1)
PAYOUT = (
    '{"id": "po_1", "reference": "0190c7e8b5e87000800000000000000a-1", "status": "paid", "amount": "12.50", "asset": "EUR",'
    ' "destination": {"kind": "iban", "value": "DE89370400440532013000", "memo": ""}, "fee": "0.00", "failure_code": "",'
    ' "livemode": false, "created_at": "2026-03-01T12:00:00.000+00:00"}'
)
NOTICE = f'{{"id": "evt_1", "type": "payout.paid", "livemode": false, "data": {PAYOUT}}}'
ANSWERS = (
    PAYOUT,
    f'{{"payouts": [{PAYOUT}]}}',
    '{"payouts": []}',
    '{"error": {"code": "destination_closed", "message": "closed"}}',
    '{"balances": {"EUR": "1000.00", "USD": "0"}}',
)


@dataclass
class Answering(HttpClient):
    """A way out on which every request meets the same answer."""

    answer: HttpReply = field(default_factory=lambda: HttpReply(status=200, headers={}, body=b""))

    def __post_init__(self) -> None:
        super().__init__()

    async def request(
        self,
        method: str,
        url: str,
        *,
        timeout_seconds: float,
        headers: Mapping[str, HeaderValue] | None = None,
        body: bytes | None = None,
    ) -> HttpReply:
        """The answer."""
        return self.answer


WIRE = Answering()
ADAPTER = FakeProvider(
    ProviderContext(
        name="one",
        environment=ProviderEnvironment.SANDBOX,
        settings={"base_url": "http://127.0.0.1:1/"},
        credentials={"api_token": Secret("token"), "webhook_secret": SECRET},
        assets={"EUR": 2, "USD": 2},
        http=WIRE,
    )
)
VERIFIER = StandardWebhook(SECRET)


def notice(body: bytes) -> None:
    """A genuine one with this body: what is read can be kept, and comes back the same."""
    headers = standard_webhook(body, event="evt_1", at=NOW, secret=SECRET)
    (seen,) = read_event(WebhookRequest(body=body, headers=headers, received_at=NOW), VERIFIER, {"EUR": 2, "USD": 2})
    (kept,) = notice_codec.decode(notice_codec.encode([seen]), seen.event_key)
    assert (kept.status, kept.rail_key, kept.amount, kept.fee) == (seen.status, seen.rail_key, seen.amount, seen.fee)
    assert kept.destination == seen.destination
    assert "\x00" not in seen.provider_reference + seen.evidence.provider_code + seen.rail_key


def proof(drawn: tuple[str, str, str]) -> None:
    """Headers that somebody made up."""
    headers = dict(zip(("webhook-id", "webhook-timestamp", "webhook-signature"), drawn, strict=True))
    VERIFIER.verify(WebhookRequest(body=b"{}", headers=headers, received_at=NOW))
    raise AssertionError("a made-up proof was believed")


def answer(drawn: tuple[int, bytes, str]) -> None:
    """An answer to each of our calls: none raises, and whatever is made of it can be kept."""
    status, body, text = drawn
    WIRE.answer = HttpReply(status=status, headers={"retry-after": text, "x-request-id": text}, body=body)
    with asyncio.Runner() as runner:
        runner.run(_every_call())


async def _every_call() -> None:
    money = Money(amount_minor=1250, asset="EUR")
    order = Order(
        ref=REF,
        amount=money,
        destination=Destination(kind="iban", value="DE89370400440532013000"),
        player_id="p",
        campaign="season",
        jurisdiction="DE",
        fee_ceiling=money,
    )
    evidence_text((await ADAPTER.create_payout(order)).evidence)
    for reference in (Reference(ref=REF, amount=money), Reference(ref=REF, amount=money, provider_reference="po_1")):
        found = await ADAPTER.sync(reference)
        evidence_text(found.observation.evidence if isinstance(found, Found) else found.evidence)
        evidence_text((await ADAPTER.cancel(reference)).evidence)
    await ADAPTER.balance()


RAIL_READERS: tuple[Reader, ...] = (
    Reader(name="webhook notice", inputs=almost_bytes(NOTICE), read=notice, refuses=(WebhookRefused,)),
    Reader(
        name="webhook proof",
        inputs=st.tuples(
            almost("evt_1"), almost("1772366400"), almost("v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=")
        ),
        read=proof,
        refuses=(WebhookRefused,),
    ),
    Reader(
        name="rail's answer",
        inputs=st.tuples(
            st.sampled_from([200, 201, 204, 301, 400, 401, 404, 409, 418, 422, 429, 500, 503, 999]),
            almost_bytes(*ANSWERS),
            anything | st.sampled_from(["120", "x\udcff"]),
        ),
        read=answer,
        refuses=(RewardRailsError,),
    ),
)
