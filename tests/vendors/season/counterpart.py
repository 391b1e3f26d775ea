"""What happens at one vendor while a season is paid over it: money arrives, bounces or comes back, and notices are sent."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

import aiohttp

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.testing.contract import Conduct, News, SignedBy
from tests.vendors.hosted import Hosted

T = TypeVar("T")
ATTEMPTS = range(1, 4)
LOOK_SECONDS = 0.05
TRIES = 40
TAKEN = frozenset({200, 202, 204})


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How a season goes at a vendor; shares in per cent, and of one."""

    conducts: Mapping[Conduct, int] = field(default_factory=dict)
    """How the vendor meets the first order of a payout; the rest is taken."""
    fates: Mapping[tuple[ObservedStatus, ...], int] = field(default_factory=dict)
    """What becomes of what was taken; the rest is paid."""
    untold: float = 0.0
    told_twice: float = 0.0
    most_late_seconds: float = 0.0


CALM = Weather()
STORMY = Weather(
    conducts={
        Conduct.LOSE_REPLY: 6,
        Conduct.ANSWER_LATE: 1,
        Conduct.REFUSE: 4,
        Conduct.REFUSE_STRANGELY: 1,
    },
    fates={(ObservedStatus.PAID, ObservedStatus.RETURNED): 3, (ObservedStatus.FAILED,): 3},
    untold=0.1,
    told_twice=0.3,
    most_late_seconds=0.6,
)


@dataclass(kw_only=True)
class Counterpart:
    """One vendor's side of a season; all of it runs in the double's own thread, except what says otherwise."""

    hosted: Hosted
    door: str
    """Where notices go."""
    chance: random.Random
    weather: Weather
    owner: dict[str, UUID] = field(default_factory=dict)
    """Whose payout a key of the vendor's belongs to."""
    rail_key: dict[str, str] = field(default_factory=dict)
    most: Counter[UUID] = field(default_factory=Counter)
    told: int = 0

    async def expect(self, payouts: Sequence[UUID]) -> None:
        """Know these payouts by their keys, and meet some of their first orders badly."""
        vendor = self.hosted.vendor
        for payout in payouts:
            for attempt in ATTEMPTS:
                key = AttemptRef(payout_id=payout, attempt_no=attempt).rail_key
                self.owner[vendor.key(key)], self.rail_key[vendor.key(key)] = payout, key
            conduct = _chosen(self.chance, self.weather.conducts, Conduct.ACCEPT)
            await self.hosted.double.behave(conduct, rail_key=f"{payout.hex}-1")

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Live in the double's thread until the block, which runs elsewhere, ends."""
        running = self.hosted.start(self._live())
        try:
            yield
        finally:
            if running.done():
                running.result()  # what ended it
            running.cancel()

    def standing(self, payout: UUID) -> int:
        """How many of a payout's orders the vendor has taken and not given back."""
        vendor, double = self.hosted.vendor, self.hosted.double
        keys = [AttemptRef(payout_id=payout, attempt_no=attempt).rail_key for attempt in ATTEMPTS]
        return sum(vendor.standing(double, key) for key in keys)

    def unknown_keys(self) -> list[str]:
        """What the vendor has taken that belongs to no payout of the season."""
        return [key for key in self.hosted.vendor.taken(self.hosted.double) if key not in self.owner]

    async def _live(self) -> None:
        seen: set[str] = set()
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as fates:
            while True:
                for key in set(self.hosted.vendor.taken(self.hosted.double)) - seen:
                    seen.add(key)
                    fates.create_task(self._befall(session, self.rail_key[key], self.owner[key]))
                await asyncio.sleep(LOOK_SECONDS)

    async def _befall(self, session: aiohttp.ClientSession, key: str, payout: UUID) -> None:
        double = self.hosted.double
        while not (journal := await double.journal(key)):  # noqa: ASYNC110 - taken, and not paid for yet
            await asyncio.sleep(LOOK_SECONDS)
        fates = self.weather.fates
        if not self.hosted.vendor.returns:
            fates = {fate: share for fate, share in fates.items() if ObservedStatus.RETURNED not in fate}
        for status in _chosen(self.chance, fates, (ObservedStatus.PAID,)):
            await asyncio.sleep(self.chance.uniform(0, self.weather.most_late_seconds))
            self.most[payout] = max(self.most[payout], self.standing(payout))
            await double.move(key, status)
            news = News(
                event=f"evt-{key}-{status}",
                at=clock.now(),
                status=status,
                rail_key=key,
                provider_reference=self.hosted.vendor.named(double, key),
                amount=journal[0].amount,
                destination=journal[0].destination,
            )
            if self.hosted.vendor.notices is not None and self.chance.random() > self.weather.untold:
                times = 2 if self.chance.random() < self.weather.told_twice else 1
                await asyncio.gather(*(self._tell(session, news) for _ in range(times)))

    async def _tell(self, session: aiohttp.ClientSession, news: News) -> None:
        """Deliver a notice, again and again like every vendor; late ones overtake each other."""
        assert self.hosted.vendor.notices is not None
        maker = self.hosted.vendor.notices(self.hosted.double)
        body = maker.write(news)
        for _ in range(TRIES):
            await asyncio.sleep(self.chance.uniform(0, self.weather.most_late_seconds))
            headers = maker.sign(body, event=news.event, at=clock.now(), by=SignedBy.VENDOR)
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.post(self.door, data=body, headers=headers) as answer:
                    if answer.status in TAKEN:
                        self.told += 1
                        return


def _chosen(chance: random.Random, per_cent: Mapping[T, int], otherwise: T) -> T:
    drawn = chance.uniform(0, 100)
    for one, share in per_cent.items():
        if drawn < share:
            return one
        drawn -= share
    return otherwise
