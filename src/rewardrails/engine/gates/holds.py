"""Writing down what the gates decided: holds with owner and deadline, counters, and when to look again."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from rewardrails.domain.payout import PayoutState
from rewardrails.domain.policy.verdict import Judgement, Outcome, Owner, Verdict
from rewardrails.engine.core import Core
from rewardrails.engine.gates import counters
from rewardrails.engine.gates.judging import Judged
from rewardrails.engine.gates.wire import write_counted
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql

PEOPLE = "operator"
"""The gate under which a person's own hold stands."""
_STATES = {
    Outcome.PASS: PayoutState.READY,
    Outcome.APPROVE: PayoutState.AWAITING_APPROVAL,
    Outcome.HOLD: PayoutState.HELD,
}


def state_of(judgement: Judgement) -> PayoutState:
    """Where a payout belongs that nothing else keeps back."""
    return _STATES[judgement.outcome]


def first_stop(judgement: Judgement) -> Verdict | None:
    """The verdict people are told of first."""
    return judgement.stopped[0] if judgement.stopped else None


async def write(core: Core, connection: Connection, judged: Sequence[Judged], actor: str) -> None:
    """Store holds, counters and the next look of payouts that are in the database already."""
    held = [item for item in judged if item.judgement.outcome is Outcome.HOLD]
    stops = [(item.candidate.payout_id, stop) for item in held for stop in _holds(item.judgement)]
    earlier = [item.candidate.payout_id for item in judged]
    await connection.execute(
        sql("close_holds"),
        earlier,
        [payout_id for payout_id, _ in stops],
        [stop.gate for _, stop in stops],
        actor,
        None,
    )
    await write_new(core, connection, judged)
    counted = [item for item in judged if item.newly_counted]
    if counted:
        await connection.execute(
            sql("mark_counted"),
            [item.candidate.payout_id for item in counted],
            [item.legal_approval_id for item in counted],
            [write_counted(item.counted) for item in counted],
        )
    await connection.execute(sql("when_to_judge_again"), earlier, [item.judgement.passes_at for item in judged])


async def write_new(core: Core, connection: Connection, judged: Sequence[Judged]) -> None:
    """The same for payouts that this transaction has just stored with their first judgement."""
    await counters.write(connection, [addition for item in judged for addition in item.additions])
    stops = [
        (item.candidate.payout_id, stop)
        for item in judged
        if item.judgement.outcome is Outcome.HOLD
        for stop in _holds(item.judgement)
    ]
    await open_holds(core, connection, stops)


async def open_holds(
    core: Core, connection: Connection, stops: Sequence[tuple[UUID, Verdict]], *, person: str | None = None
) -> None:
    """Note what stops which payout, and which `person` if one does; a hold that is open already keeps its time."""
    if stops:
        await connection.execute(
            sql("open_holds"),
            [payout_id for payout_id, _ in stops],
            [stop.gate for _, stop in stops],
            [stop.code.value if stop.code else None for _, stop in stops],
            [stop.why for _, stop in stops],
            [(stop.owner or Owner.OPERATOR).value for _, stop in stops],
            core.config.rules.hold_deadline.total_seconds(),
            person,
        )


async def close_all(connection: Connection, payout_id: UUID, actor: str, reason: str) -> None:
    """Nothing stops a payout any more that will never be sent."""
    await connection.execute(sql("close_holds"), [payout_id], [], [], actor, reason)


def by_people(gate: str, why: str) -> Verdict:
    """A hold that no gate made: a person's, or a payout that cannot go on without one."""
    return Verdict(gate=gate, outcome=Outcome.HOLD, why=why, owner=Owner.OPERATOR)


def _holds(judgement: Judgement) -> Iterable[Verdict]:
    return (verdict for verdict in judgement.verdicts if verdict.outcome is Outcome.HOLD)
