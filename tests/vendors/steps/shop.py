"""A vendor's double as the provider of lives with faults."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import psycopg

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.testing.contract import Conduct, SignedBy
from rewardrails.testing.contract import News as Told
from tests.steps.world import News
from tests.vendors.hosted import Hosted
from tests.vendors.vendors import environment, route, section

CALL_SECONDS = 0.5
MOST_ATTEMPTS = 12
FINAL = frozenset({ObservedStatus.PAID, ObservedStatus.RETURNED})


@dataclass(kw_only=True)
class VendorShop:
    """Satisfies `tests.steps.world.Shop`; whose payout a creation is, our own table of payouts says."""

    hosted: Hosted
    dsn: str = ""
    known: dict[str, ObservedStatus] = field(default_factory=dict)
    """What the vendor was made to say of a rail key last."""
    seen: Counter[int] = field(default_factory=Counter)

    @property
    def environment(self) -> Mapping[str, str]:
        """Its credentials."""
        return environment(self.hosted.vendor, name="one")

    @property
    def memo(self) -> str:
        """A name, where it wants one."""
        return self.hosted.vendor.memo

    @property
    def kind(self) -> str:
        """The kind of its destinations."""
        return self.hosted.vendor.kind

    def address(self, life: str, number: int) -> str:
        """Where a reward goes."""
        return self.hosted.vendor.address(life, number)

    def section(self) -> str:
        """Its configuration."""
        vendor = self.hosted.vendor
        return section(vendor, self.hosted.double, name="one", call_timeout=CALL_SECONDS) + route(vendor, name="one")

    async def enter(self, dsn: str) -> None:
        """Ask this database whose payouts they are."""
        self.dsn = dsn
        self.meet(Conduct.ACCEPT)

    def meet(self, conduct: Conduct) -> None:
        """New creations are met so from now on."""
        self.hosted.ask(self.hosted.double.behave(conduct))

    def settle(self, number: int) -> None:
        """What was taken for this reward is with the player."""
        for key in self._taken(number):
            if key not in self.known and self._stands(key):
                self._move(key, ObservedStatus.PAID)

    async def send_back(self, number: int) -> None:
        """The money of the newest one that stands comes back."""
        self.standing(number)
        for key in self._taken(number):
            if self._stands(key):
                self._move(key, ObservedStatus.RETURNED)

    def standing(self, number: int) -> int:
        """Over all attempts."""
        standing = sum(self._stands(key) for key in self._taken(number))
        self.seen[number] = max(self.seen[number], standing)
        return standing

    def most(self, number: int) -> int:
        """As far as anybody looked; money goes away only under our eyes."""
        return max(self.seen[number], self.standing(number))

    def news(self, number: int) -> Sequence[News]:
        """Where the vendor stands about each creation."""
        if self.hosted.vendor.notices is None:
            return []
        return [
            News(name=f"{key}-{self.known[key]}", request=partial(self._request, key, self.known[key]))
            for key in self._taken(number)
            if key in self.known
        ]

    def records(self, number: int) -> Sequence[object]:
        """By rail key."""
        return [(key, self._journal(key), self._stands(key), self.known.get(key)) for key in self._taken(number)]

    def _request(self, key: str, status: ObservedStatus, at: datetime) -> WebhookRequest:
        vendor, double = self.hosted.vendor, self.hosted.double
        assert vendor.notices is not None
        maker, taken = vendor.notices(double), self._journal(key)[0]
        event = f"evt-{key}-{status}"
        told = Told(
            event=event,
            at=at,
            status=status,
            rail_key=key,
            provider_reference=vendor.named(double, key),
            amount=taken.amount,
            destination=taken.destination,
        )
        body = maker.write(told)
        headers = maker.sign(body, event=event, at=at, by=SignedBy.VENDOR)
        return WebhookRequest(body=body, headers=headers, received_at=at)

    def _taken(self, number: int) -> list[str]:
        """Rail keys of this reward under which the vendor has taken something."""
        with psycopg.connect(self.dsn) as connection:
            found = connection.execute("SELECT id FROM payout WHERE reward_id = %s", (f"r-{number}",)).fetchall()
        attempts = range(1, MOST_ATTEMPTS)
        keys = [AttemptRef(payout_id=row[0], attempt_no=attempt).rail_key for row in found for attempt in attempts]
        return [key for key in keys if self._journal(key)]

    def _journal(self, key: str) -> Sequence[Any]:
        return self.hosted.ask(self.hosted.double.journal(key))

    def _stands(self, key: str) -> int:
        return self.hosted.vendor.standing(self.hosted.double, key)

    def _move(self, key: str, status: ObservedStatus) -> None:
        self.hosted.ask(self.hosted.double.move(key, status))
        self.known[key] = status
