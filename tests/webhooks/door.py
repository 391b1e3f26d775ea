"""The providers' door as tests knock at it: one order is out at rail `one`, and everything written is counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from rewardrails.engine.core import Core
from rewardrails.engine.webhooks import apply_notices
from tests.api.client import Api
from tests.support.season import request, reward, send_all
from tests.webhooks.raw_http import Reply, post
from tests.webhooks.wire_rail import WireRail


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A running API; `key` names the attempt that rail `one` was given."""

    api: Api
    one: WireRail
    two: WireRail
    key: str

    @classmethod
    async def opened(cls, api: Api, one: WireRail, two: WireRail) -> Self:
        """With one order sent."""
        await request(api.core, [reward(1)])
        await send_all(api.core)
        return cls(api=api, one=one, two=two, key=one.calls[0])

    @property
    def core(self) -> Core:
        """The engine behind the door."""
        return self.api.core

    @property
    def port(self) -> int:
        """Where it listens."""
        port = self.api.session._base_url.port  # type: ignore[union-attr]
        assert port is not None
        return port

    async def deliver(self, body: bytes, *more: tuple[bytes, bytes], event: str = "") -> Reply:
        """Deliver a genuinely signed body."""
        return await post(self.port, "one", self.one.genuine(body, event=event).request(), *more)

    async def tell(self, status: str, *, event: str = "") -> Reply:
        """Deliver a true notice."""
        return await self.deliver(self.one.body(self.one.payout(self.key, status)), event=event)

    async def apply(self) -> None:
        """Apply what is stored; ends, whatever is stored."""
        for _ in range(20):
            if not await apply_notices(self.core, 100):
                return
        raise AssertionError("the inbox never ends")

    async def state(self) -> str:
        """Where the payout stands."""
        async with self.core.database.reading() as connection:
            state: str = await connection.fetchval("SELECT state::text FROM payout ORDER BY id LIMIT 1")
        return state

    async def inbox(self) -> Sequence[tuple[str, str | None]]:
        """State and code of every stored notice."""
        return [
            (row["state"], row["code"]) for row in await self.rows("SELECT state, code FROM webhook_inbox ORDER BY id")
        ]

    async def rows(self, statement: str) -> Sequence[Mapping[str, Any]]:
        """What a question to the database answers."""
        async with self.core.database.reading() as connection:
            return await connection.fetch(statement)

    async def hour_passes(self) -> None:
        """Make what is in the inbox two hours old, and due."""
        async with self.core.database.transaction() as tx:
            await tx.execute("UPDATE webhook_inbox SET due_at = rr_now(), received_at = rr_now() - interval '2 hours'")
