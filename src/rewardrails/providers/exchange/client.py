"""One account at an exchange: requests that ccxt writes, sent by our own client, and answers that ccxt reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rewardrails.providers.deadline import Deadline
from rewardrails.providers.exchange.library import Ask, Library, Signed, Unreadable
from rewardrails.providers.exchange.mapping import answer_of, at, code_of
from rewardrails.providers.exchange.row import Exchange
from rewardrails.providers.http import HttpClient, HttpReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer: as received, as JSON with numbers as text, and what ccxt makes of it (None: nothing)."""

    reply: HttpReply
    answer: Any = field(repr=False)
    read: Any = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What the parts of the adapter share."""

    name: str
    row: Exchange
    library: Library
    http: HttpClient
    base_url: str
    call_seconds: float
    exponents: Mapping[str, int]
    chains: Mapping[str, str]
    """The chain of each asset that it pays."""
    coins: Mapping[str, str]
    """The exchange's name of each asset that it pays."""

    def deadline(self) -> Deadline:
        """When a call that begins now must be over."""
        return Deadline(self.call_seconds)

    def asset_of(self, coin: str) -> str:
        """Our name of a coin; empty for one that is not configured."""
        return next((asset for asset, one in self.coins.items() if one == coin), "")

    async def ask(self, ask: Ask, deadline: Deadline) -> Told:
        """A question that changes nothing; raises `Unreadable`, `NeverSent` and `MaybeSent`."""
        return self.told(ask, await self.send(self.library.request(ask), deadline))

    async def send(self, signed: Signed, deadline: Deadline) -> HttpReply:
        """Send it once; raises `NeverSent` and `MaybeSent`."""
        return await self.http.request(
            signed.method, signed.url, headers=signed.headers, body=signed.body, timeout_seconds=deadline.left()
        )

    def told(self, ask: Ask, reply: HttpReply) -> Told:
        """What an answer says; nothing is read of one that is no success."""
        answer = answer_of(reply)
        read = None
        if (
            reply.status == 200
            and answer is not None
            and not code_of(self.row, answer)
            and self._has_shape(ask, answer)
        ):
            try:
                read = self.library.read(ask, answer)
            except Unreadable:
                read = None
        return Told(reply=reply, answer=answer, read=read)

    def _has_shape(self, ask: Ask, answer: Any) -> bool:
        path = self.row.lists.get(ask.method)
        return path is None or isinstance(at(answer, path), list)
