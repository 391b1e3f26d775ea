"""What keeps a payout from being sent though every gate lets it pass: pauses, and a provider that is off."""

from collections.abc import Iterator

import asyncpg

from rewardrails.domain.payout import PayoutState
from rewardrails.domain.policy.verdict import Outcome, Owner, Verdict
from rewardrails.engine.core import Core
from rewardrails.errors import ErrorCode
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql

_UNSENT = frozenset({PayoutState.HELD, PayoutState.AWAITING_APPROVAL, PayoutState.READY})


async def standstill(core: Core, connection: Connection, row: asyncpg.Record) -> tuple[Verdict, ...]:
    """Verdicts on a payout's way out, for people; none of one that has been sent or has ended."""
    if PayoutState(row["state"]) not in _UNSENT:
        return ()
    columns = (row["provider"], row["campaign"], row["player_id"])
    pauses = await connection.fetch(sql("pauses_of_sending"), *columns)
    return (*(_paused(pause) for pause in pauses), *_off(core, row["provider"]))


def _paused(pause: asyncpg.Record) -> Verdict:
    what = " ".join(part for part in (pause["scope"], pause["subject"]) if part)
    return Verdict(
        gate="pause",
        outcome=Outcome.HOLD,
        code=ErrorCode.PAYOUTS_PAUSED,
        why=f"sending is paused for {what} since {pause['created_at']:%Y-%m-%d %H:%M}Z: {pause['reason']}",
        next_step=f"when its cause is gone: rewardrails pause lift {pause['id']}",
        owner=Owner.OPERATOR,
        inputs={"pause": str(pause["id"])},
    )


def _off(core: Core, provider: str | None) -> Iterator[Verdict]:
    if provider is None or core.sends(provider):
        return
    yield Verdict(
        gate="provider",
        outcome=Outcome.HOLD,
        code=ErrorCode.PROVIDER_DISABLED,
        why=f"{provider} is switched off here",
        next_step=f"set [providers.{provider}] enabled = true and restart, or cancel it",
        owner=Owner.OPERATOR,
        inputs={"provider": provider},
    )
