"""What the doubles of exchanges have in common: an account with a journal, faults, and no memory for names seen before."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from aiohttp import web

from rewardrails import clock
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.providers.exchange.mapping import client_id
from rewardrails.testing.contract import Conduct, Creation

API_KEY = "exchange-key-canary-5813"
API_SECRET = "exchange-secret-canary-2144"
PASSPHRASE = "exchange-pass-canary-8932"
KIND = "wallet"
EXPONENTS = {"TON": 9, "USDT": 6, "EURI": 2}
FEES = {"TON": Decimal("0.02"), "USDT": Decimal("0.15"), "EURI": Decimal("0.10")}


@dataclass
class Taken:
    """One withdrawal in the journal; `amount` is what arrives."""

    number: int
    name: str
    coin: str
    chain: str
    address: str
    tag: str
    amount: Decimal
    fee: Decimal
    status: str
    created_at: datetime = field(default_factory=clock.now)

    @property
    def id(self) -> str:
        """The exchange's own name of it."""
        return f"{70_000 + self.number}"

    @property
    def at(self) -> int:
        """Milliseconds since 1970."""
        return round(self.created_at.timestamp() * 1000)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A request for a withdrawal, as an exchange reads it; `amount` is what is asked for."""

    name: str
    coin: str
    chain: str
    address: str
    tag: str
    amount: Decimal


class ExchangeDouble(ABC):
    """Satisfies `rewardrails.testing.contract.VendorDouble`; an async context manager that listens while it is open.

    A name that was used before is taken once more: no exchange documents anything else.
    """

    TRUTHS: ClassVar[Mapping[ObservedStatus, str]]
    PATH: ClassVar[str]
    fee_inside: ClassVar[bool] = False

    def __init__(self) -> None:
        self.url = ""
        self.taken: list[Taken] = []
        self.free = {coin: Decimal(10) ** 12 for coin in EXPONENTS}
        self.fees = dict(FEES)
        self.open = dict.fromkeys(EXPONENTS, True)
        self.asked: list[str] = []
        self.may_withdraw = True
        self.bound_to = "203.0.113.7"
        self.address_book: set[str] | None = None
        self.comes_from_elsewhere = False
        self.knows_names = True
        """Whether its list, where it can be asked by our names, does as it is asked."""
        self.page: int | None = None
        """A smaller page than the exchange's own."""
        self._conduct: dict[str, Conduct] = {"": Conduct.ACCEPT}
        self._closing = asyncio.Event()
        app = web.Application(middlewares=[self._authorized])
        self.route(app.router)
        self._runner = web.AppRunner(app, shutdown_timeout=1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        await self._runner.cleanup()

    @abstractmethod
    def route(self, router: web.UrlDispatcher) -> None:
        """Its paths."""

    @abstractmethod
    async def refused_at_the_door(self, request: web.Request) -> web.Response | None:
        """What it says to a request that is not signed as it should be."""

    @abstractmethod
    def refusal(self, why: str) -> web.Response:
        """How it says one of: strange, not_listed, poor, small, fine, chain, suspended, address."""

    @abstractmethod
    def accepted(self, taken: Taken) -> web.Response:
        """How it says that it took one."""

    def creates(self, method: str, url: str) -> bool:
        return method == "POST" and urlsplit(url).path == self.PATH

    async def behave(self, conduct: Conduct, *, rail_key: str = "") -> None:
        self._conduct[client_id(rail_key) if rail_key else ""] = conduct

    async def journal(self, rail_key: str) -> Sequence[Creation]:
        return [
            Creation(
                amount=Money(amount_minor=int(one.amount.scaleb(EXPONENTS[one.coin])), asset=one.coin),
                destination=Destination(kind=KIND, value=one.address, memo=one.tag),
            )
            for one in self.made(rail_key)
        ]

    def made(self, rail_key: str) -> list[Taken]:
        """Every withdrawal taken under a key."""
        return [one for one in self.taken if one.name == client_id(rail_key)]

    def is_gone(self, one: Taken) -> bool:
        """Whether the money did not leave, or came back to us."""
        return one.status in {self.TRUTHS[ObservedStatus.FAILED], self.TRUTHS[ObservedStatus.CANCELED]}

    async def move(self, rail_key: str, status: ObservedStatus) -> None:
        self.made(rail_key)[-1].status = self.TRUTHS[status]

    async def advance(self, seconds: float) -> None:  # noqa: B027 - nothing here depends on time but the clock
        """Let time pass."""

    async def take(self, request: web.Request, wanted: Wanted) -> web.Response:
        """Take a withdrawal, or refuse it, or misbehave."""
        why = self._fault(wanted)
        if why:
            return self.refusal(why)
        conduct = self._conduct.get(wanted.name, self._conduct[""])
        match conduct:
            case Conduct.REFUSE:
                return self.refusal("not_listed")
            case Conduct.REFUSE_STRANGELY:
                return self.refusal("strange")
        fee = self.fees[wanted.coin]
        arrives = wanted.amount - fee if self.fee_inside else wanted.amount
        self.free[wanted.coin] -= arrives + fee
        taken = Taken(
            number=len(self.taken),
            name=wanted.name,
            coin=wanted.coin,
            chain=wanted.chain,
            address=wanted.address,
            tag=wanted.tag,
            amount=arrives,
            fee=fee,
            status=self.TRUTHS[ObservedStatus.PENDING],
        )
        self.taken.append(taken)
        if conduct is Conduct.LOSE_REPLY and request.transport is not None:
            request.transport.abort()
        if conduct is Conduct.ANSWER_LATE:
            await self._closing.wait()
        return self.accepted(taken)

    def _fault(self, wanted: Wanted) -> str:
        """What the documents say is refused, in one order."""
        if wanted.coin not in self.fees or wanted.chain != self.chain_of(wanted.coin):
            return "chain"
        if not self.open[wanted.coin]:
            return "suspended"
        if not wanted.address or (self.address_book is not None and wanted.address not in self.address_book):
            return "not_listed" if wanted.address else "address"
        fee = self.fees[wanted.coin]
        if wanted.amount <= (fee if self.fee_inside else 0):
            return "small"
        if wanted.amount.scaleb(EXPONENTS[wanted.coin]) % 1:
            return "fine"
        if wanted.amount + (0 if self.fee_inside else fee) > self.free[wanted.coin]:
            return "poor"
        return ""

    def chain_of(self, coin: str) -> str:
        """How it calls the one chain of a coin."""
        return "TON"

    @web.middleware
    async def _authorized(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request.path)
        refused = await self.refused_at_the_door(request)
        if refused is not None:
            return refused
        answer: web.StreamResponse = await handler(request)
        return answer


def text(amount: Decimal) -> str:
    """Plain digits."""
    return format(amount, "f")
