"""Judging stored payouts again: when a person decides, when a fact changes, when time alone may have changed the answer."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from rewardrails.domain.payout import PayoutState
from rewardrails.domain.policy.verdict import Judgement
from rewardrails.engine.core import Core
from rewardrails.engine.gates import holds
from rewardrails.engine.gates.judging import candidate_of, judge_batch
from rewardrails.engine.steps import Step, write_steps
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql

RECHECK_BATCH = 500
UNSENT = frozenset({PayoutState.HELD, PayoutState.AWAITING_APPROVAL, PayoutState.READY})


async def judge_due(core: Core) -> int:
    """Judge held payouts whose time has come; answers how many were looked at."""
    return await core.database.run(lambda tx: _judge_due(core, tx))


async def _judge_due(core: Core, tx: Connection) -> int:
    rows = await tx.fetch(sql("due_to_be_judged"), RECHECK_BATCH)
    await judge_again(core, tx, [row["id"] for row in rows], core.actor)
    return len(rows)


async def judge_again(core: Core, tx: Connection, payout_ids: Sequence[UUID], actor: str) -> dict[UUID, Judgement]:
    """Judge unsent payouts and move each to where it belongs; others are left alone.

    A payout that a person holds, or that has no route, is judged and stays held.
    """
    locked = await tx.fetch(sql("lock_payouts"), sorted(payout_ids))
    rows = [row for row in locked if row["state"] in UNSENT]
    if not rows:
        return {}
    kept = {row["payout_id"] for row in await tx.fetch(sql("held_by_people"), [row["id"] for row in rows])}
    if kept:  # nothing but a person moves them: they are not looked at again by themselves
        await tx.execute(sql("when_to_judge_again"), sorted(kept), [None] * len(kept))
    judged = await judge_batch(core, tx, [candidate_of(core, row) for row in rows if row["id"] not in kept])
    await holds.write(core, tx, judged, actor)
    by_id = {item.candidate.payout_id: item for item in judged}
    steps = [step for row in rows if row["id"] in by_id and (step := _step(row, by_id[row["id"]].judgement))]
    await write_steps(tx, steps, actor)
    return {payout_id: item.judgement for payout_id, item in by_id.items()}


def _step(row: asyncpg.Record, judgement: Judgement) -> Step | None:
    if row["state"] == holds.state_of(judgement):
        return None  # where another gate stops it now, the holds say which
    return step_of(row, judgement)


def step_of(row: asyncpg.Record, judgement: Judgement) -> Step:
    """The step of a locked payout to where its judgement puts it."""
    to_state, stop = holds.state_of(judgement), holds.first_stop(judgement)
    return Step(
        payout_id=row["id"],
        version=row["version"],
        from_state=PayoutState(row["state"]),
        to_state=to_state,
        code=stop.code if stop else None,
        hold_cause=stop.gate if stop and to_state is PayoutState.HELD else None,
    )
