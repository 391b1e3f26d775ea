"""Where single requests wait a few milliseconds to become one transaction."""

from dataclasses import dataclass
from functools import partial
from typing import Self

from rewardrails.engine.accept import Acceptance, accept
from rewardrails.engine.core import Core
from rewardrails.engine.group import Group
from rewardrails.engine.idempotent import StoredResponse
from rewardrails.engine.webhooks import Notice, store_notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """The two doors that many come through at once, and the core behind them."""

    core: Core
    payouts: Group[Acceptance, StoredResponse]
    notices: Group[Notice, None]

    @classmethod
    def of(cls, core: Core) -> Self:
        """Both doors, before `core`."""
        return cls(core=core, payouts=Group(partial(accept, core)), notices=Group(partial(store_notices, core)))

    async def drain(self) -> None:
        """Wait until everybody inside has their answer."""
        await self.payouts.drain()
        await self.notices.drain()
