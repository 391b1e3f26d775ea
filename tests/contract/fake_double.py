"""The fake provider's process as the contract suite's double: the same adapter under each of its profiles."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from standardwebhooks import Webhook

from rewardrails.domain.assets import format_amount
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.providers.context import SettingValue
from rewardrails.testing.contract import Conduct, Creation, News, SignedBy
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from rewardrails.testing.fake_provider.journal import Accepted

EXPONENTS = {"USD": 2}
STRANGER = f"whsec_{'B' * 43}="
LAG_SECONDS = 0.3
# The settings that fit each profile, as docs/providers/fake.md has them.
SETTINGS: Mapping[str, Mapping[str, SettingValue]] = {
    "default": {},
    "dedupe-batch": {"dedupe_scope": "batch"},
    "dedupe-none": {"dedupe": "none"},
    "window-expires": {"dedupe_window_seconds": 2},
    "replays-errors": {"dedupe_replays_errors": True},
    "lookup-late": {"lookup_lag_seconds": LAG_SECONDS},
    "lookup-absent": {"lookup": "provider_reference"},
    "batch-not-atomic": {},
    "late-reversal": {"reversal_horizon_seconds": 60},
}
BEHAVIOURS = {
    Conduct.ACCEPT: ("stuck", ""),
    Conduct.REFUSE: ("refuse", "destination_closed"),
    Conduct.REFUSE_STRANGELY: ("refuse", "mercury_retrograde"),
    Conduct.LOSE_REPLY: ("lose_reply", ""),
    Conduct.ANSWER_LATE: ("drip", ""),
}
STATUSES = {
    ObservedStatus.PENDING: "processing",
    ObservedStatus.PAID: "paid",
    ObservedStatus.FAILED: "failed",
    ObservedStatus.CANCELED: "canceled",
    ObservedStatus.RETURNED: "returned",
    ObservedStatus.UNKNOWN: "in_orbit",
}


class FakeDouble:
    """Steers one process; what it counts is read from the journal on the disk."""

    def __init__(self, process: FakeProviderProcess) -> None:
        self._process = process

    def creates(self, method: str, url: str) -> bool:
        return method == "POST" and url.endswith(("/v1/payouts", "/v1/batches"))

    async def behave(self, conduct: Conduct, *, rail_key: str = "") -> None:
        behaviour, code = BEHAVIOURS[conduct]
        await self._process.control.behave(behaviour, code=code, reference=rail_key or "*")

    async def journal(self, rail_key: str) -> Sequence[Creation]:
        lines = self._process.journal.read_bytes().splitlines()
        taken = [msgspec.json.decode(line, type=Accepted) for line in lines if b'"accepted"' in line]
        return [
            Creation(
                amount=Money(amount_minor=record.amount_minor, asset=record.asset),
                destination=Destination(kind=record.kind, value=record.value, memo=record.memo),
            )
            for record in taken
            if record.reference == rail_key
        ]

    async def move(self, rail_key: str, status: ObservedStatus) -> None:
        await self._process.control.move(rail_key, STATUSES[status], notify=False)

    async def advance(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # a process of its own lives by the machine's clock


class FakeNotices:
    """Writes what the process would."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def write(self, news: News) -> bytes:
        money = format_amount(news.amount.amount_minor, EXPONENTS[news.amount.asset])
        payout = {
            "id": news.provider_reference,
            "reference": news.rail_key,
            "status": STATUSES[news.status],
            "amount": money,
            "asset": news.amount.asset,
            "destination": {
                "kind": news.destination.kind,
                "value": news.destination.value,
                "memo": news.destination.memo,
            },
            "fee": "0.00",
            "livemode": False,
        }
        return msgspec.json.encode({"id": news.event, "type": f"payout.{payout['status']}", "data": payout})

    def sign(self, body: bytes, *, event: str, at: datetime, by: SignedBy) -> Mapping[str, str]:
        secret = self._secret if by is SignedBy.VENDOR else STRANGER
        second = at.replace(microsecond=0)
        return {
            "webhook-id": event,
            "webhook-timestamp": str(int(second.timestamp())),
            "webhook-signature": Webhook(secret).sign(event, second, body.decode("latin-1")),
        }
