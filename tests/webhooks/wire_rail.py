"""A rail that speaks as the fake provider does: its bytes, its signatures, read by the real adapter's own code."""

from base64 import b64encode
from datetime import timedelta

import msgspec

from rewardrails import clock, ids
from rewardrails.domain.assets import format_amount
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import Found, Observation, ObservedStatus
from rewardrails.domain.order import Order
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.providers.fake.mapping import observation_of
from rewardrails.providers.fake.webhook import read_event
from rewardrails.providers.fake.wire import PayoutReply, WireDestination
from rewardrails.providers.signatures import StandardWebhook
from rewardrails.secrets import Secret
from rewardrails.testing.mutants import Genuine, standard_webhook
from tests.support.scripted_rail import Script, ScriptedRail, accept

EXPONENTS = {"EUR": 2, "USD": 2}
TOLERANCE = timedelta(seconds=300)


def secret_of(name: str) -> Secret:
    """A secret for each name."""
    return Secret(f"whsec_{b64encode(name.encode().ljust(32, b'.')).decode()}")


class WireRail(ScriptedRail):
    """Accepts orders and remembers them, so that its notices say truly (or, where a test asks, falsely) what was sent."""

    def __init__(self, name: str = "one", script: Script = accept) -> None:
        super().__init__(name, script)
        self.secret = secret_of(name)
        self.orders: dict[str, Order] = {}
        self._verifier = StandardWebhook(self.secret)

    def accept(self, order: Order, status: ObservedStatus) -> str:
        """Take the order and remember it."""
        self.orders[order.rail_key] = order
        return super().accept(order, status)

    def receive(self, request: WebhookRequest) -> tuple[Observation, ...]:
        """The real adapter's reading."""
        return read_event(request, self._verifier, EXPONENTS)

    def payout(self, rail_key: str, status: str) -> PayoutReply:
        """The payout as this rail shows it, with this status."""
        order = self.orders[rail_key]
        where = order.destination
        return PayoutReply(
            id=f"ref-{rail_key}",
            reference=rail_key,
            status=status,
            amount=format_amount(order.amount.amount_minor, EXPONENTS[order.amount.asset]),
            asset=order.amount.asset,
            destination=WireDestination(kind=where.kind, value=where.value, memo=where.memo),
            fee="0.00",
            livemode=False,
        )

    def body(self, payout: PayoutReply) -> bytes:
        """A notice's body."""
        return msgspec.json.encode({"id": "evt", "type": f"payout.{payout.status}", "data": payout})

    def genuine(self, body: bytes, *, event: str = "") -> Genuine:
        """A notice with this body, sent now."""
        return Genuine(
            body=body,
            secret=self.secret,
            sign=standard_webhook,
            received_at=clock.now(),
            tolerance=TOLERANCE,
            event=event or f"evt_{ids.new_id().hex}",
        )

    def notice(self, rail_key: str, status: str, *, event: str = "") -> WebhookRequest:
        """A true notice."""
        return self.genuine(self.body(self.payout(rail_key, status)), event=event).request()

    def notice_of_nothing(self) -> WebhookRequest:
        """Genuine, and about nothing."""
        return self.genuine(b"{}").request()

    def answer(self, rail_key: str, status: str) -> Found:
        """What this rail answers when it is asked while a payout has this status."""
        return Found(observation=observation_of(self.payout(rail_key, status), EXPONENTS, Evidence()))
