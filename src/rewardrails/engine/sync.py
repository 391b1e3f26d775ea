"""Asking the rails: recovery after a crash, and polling of everything that is under way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import structlog

from rewardrails.domain.money import Money
from rewardrails.domain.observation import (
    Absent,
    CannotTell,
    Found,
    Observation,
    ObservationSource,
    ObservedStatus,
    SyncResult,
)
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.payout import PayoutState
from rewardrails.engine.core import Core
from rewardrails.engine.observe import apply_observations, new_seen
from rewardrails.engine.send import lease_of
from rewardrails.engine.steps import Step, write_steps
from rewardrails.errors import ErrorCode
from rewardrails.providers.base import Reference, RewardPayoutProvider
from rewardrails.providers.capabilities import Capabilities
from rewardrails.store.database import Connection, assert_no_transaction
from rewardrails.store.sql import sql

SYNC_CEILING = timedelta(hours=1)
# A rail that took an order and then tells nothing of it for so long is waited for in vain.
SILENCE = timedelta(hours=24)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An attempt to ask the rail about, and how long ago it was last sent (seconds of the database's clock)."""

    reference: Reference
    fence: int | None
    sent_seconds_ago: float


async def claim_expired(core: Core, provider: RewardPayoutProvider, limit: int) -> list[Asked]:
    """Attempts whose worker went away mid-call, under a new fence that shuts the old worker out."""
    async with core.database.transaction() as connection:
        rows = await connection.fetch(
            sql("claim_expired"), provider.name, limit, core.actor, lease_of(provider).total_seconds()
        )
    return [_asked(row, row["fence"]) for row in rows]


async def claim_to_sync(core: Core, provider: RewardPayoutProvider, limit: int) -> list[Asked]:
    """Attempts whose rail is due to be asked; each is due again later, ever more rarely."""
    first = provider.capabilities.first_sync_after.total_seconds()
    horizon = provider.capabilities.reversal_horizon.total_seconds()
    async with core.database.transaction() as connection:
        rows = await connection.fetch(
            sql("claim_to_sync"), provider.name, limit, first, SYNC_CEILING.total_seconds(), horizon
        )
    return [_asked(row, None) for row in rows]


async def ask(provider: RewardPayoutProvider, asked: Asked) -> SyncResult:
    """One lookup; never raises."""
    assert_no_transaction()
    try:
        return await provider.sync(asked.reference)
    except Exception:  # the edge: a failed question teaches nothing
        log.exception("adapter_raised", provider=provider.name, payout_id=str(asked.reference.ref.payout_id))
        return CannotTell(code=ErrorCode.PROVIDER_UNAVAILABLE)


async def apply_answers(
    core: Core, provider: RewardPayoutProvider, answers: Sequence[tuple[Asked, SyncResult]]
) -> None:
    """Apply what the rail answered.

    Proved absence makes the payout ready again under the same key, inside the key's window; every other doubt leaves the
    outcome unknown with its reservation. A pending payout of which the rail has told nothing for a day is unknown too.
    """
    absent = [asked for asked, answer in answers if _proves_absence(provider.capabilities, asked, answer)]
    proved = {asked.reference.ref for asked in absent}
    seen = [
        new_seen(
            ref=asked.reference.ref,
            provider=provider.name,
            source=ObservationSource.SYNC,
            observation=_observation(answer),
            actor=core.actor,
            fence=asked.fence,
        )
        for asked, answer in answers
        if asked.reference.ref not in proved
    ]
    await apply_observations(core, seen)
    if absent:
        await core.database.run(lambda connection: _send_again(core, connection, provider, absent))
    in_vain = [item.ref for item in seen if item.observation.status is ObservedStatus.UNKNOWN]
    long_ago = {asked.reference.ref for asked, _ in answers if asked.sent_seconds_ago > SILENCE.total_seconds()}
    if silent := [ref for ref in in_vain if ref in long_ago]:
        await core.database.run(lambda connection: _wait_no_longer(core, connection, silent))


def _proves_absence(capabilities: Capabilities, asked: Asked, answer: SyncResult) -> bool:
    settled_down = asked.sent_seconds_ago > (capabilities.call_timeout + capabilities.lookup_lag).total_seconds()
    return (
        isinstance(answer, Absent)
        and capabilities.lookup_is_authoritative
        and capabilities.same_key_is_safe
        and settled_down
    )


def _observation(answer: SyncResult) -> Observation:
    match answer:
        case Found():
            return answer.observation
        case Absent():
            return Observation(status=ObservedStatus.UNKNOWN, code=ErrorCode.OUTCOME_UNKNOWN, evidence=answer.evidence)
        case CannotTell():
            return Observation(status=ObservedStatus.UNKNOWN, code=answer.code, evidence=answer.evidence)


async def _send_again(
    core: Core, connection: Connection, provider: RewardPayoutProvider, absent: Sequence[Asked]
) -> None:
    """Make payouts ready whose live attempt the rail provably never took; the attempt and its key stay."""
    fences = {asked.reference.ref: asked.fence for asked in absent}
    rows = await connection.fetch(sql("lock_payouts"), [asked.reference.ref.payout_id for asked in absent])
    by_id = {row["id"]: row for row in rows}
    attempts = await connection.fetch(
        sql("attempts_open_to_resend"),
        [ref.payout_id for ref in fences],
        [ref.attempt_no for ref in fences],
        list(fences.values()),
        lease_of(provider).total_seconds(),
    )
    steps = []
    for attempt in attempts:
        row = by_id[attempt["payout_id"]]
        state = PayoutState(row["state"])
        if row["live_attempt_no"] != attempt["attempt_no"] or state not in (
            PayoutState.SUBMITTING,
            PayoutState.OUTCOME_UNKNOWN,
        ):
            continue
        to_state = PayoutState.READY if attempt["in_window"] else PayoutState.OUTCOME_UNKNOWN
        if to_state is state:
            continue
        steps.append(
            Step(
                payout_id=row["id"],
                version=row["version"],
                from_state=state,
                to_state=to_state,
                code=None if attempt["in_window"] else ErrorCode.OUTCOME_UNKNOWN,
                event_type="payout.resending" if attempt["in_window"] else "",
                attempt_no=attempt["attempt_no"],
            )
        )
    await write_steps(connection, steps, core.actor)
    await connection.execute(
        sql("park_attempts"), [step.payout_id for step in steps], [step.attempt_no for step in steps]
    )


async def _wait_no_longer(core: Core, connection: Connection, refs: Sequence[AttemptRef]) -> None:
    """Give people the pending payouts that their rail has fallen silent about; the attempts stay as they are."""
    rows = await connection.fetch(sql("lock_payouts"), [ref.payout_id for ref in refs])
    silent = await connection.fetch(
        sql("silent_attempts"),
        [ref.payout_id for ref in refs],
        [ref.attempt_no for ref in refs],
        SILENCE.total_seconds(),
    )
    attempt_nos = {row["payout_id"]: row["attempt_no"] for row in silent}
    steps = [
        _to_people(row)
        for row in rows
        if row["state"] == PayoutState.PENDING and attempt_nos.get(row["id"]) == row["live_attempt_no"]
    ]
    await write_steps(connection, steps, core.actor)


def _to_people(row: asyncpg.Record) -> Step:
    """The step of a locked payout whose live attempt only people can clear up."""
    return Step(
        payout_id=row["id"],
        version=row["version"],
        from_state=PayoutState(row["state"]),
        to_state=PayoutState.OUTCOME_UNKNOWN,
        code=ErrorCode.OUTCOME_UNKNOWN,
        attempt_no=row["live_attempt_no"],
    )


async def give_up_lapsed_resends(core: Core, provider: RewardPayoutProvider) -> int:
    """Payouts that may only go out under their old key, which the rail is about to forget: outcome unknown, for people."""
    needs = lease_of(provider).total_seconds()

    async def work(connection: Connection) -> int:
        lapsed = [row["id"] for row in await connection.fetch(sql("lapsed_resends"), provider.name, needs)]
        rows = await connection.fetch(sql("lock_payouts"), lapsed) if lapsed else []
        steps = [
            _to_people(row) for row in rows if row["state"] == PayoutState.READY and row["live_attempt_no"] is not None
        ]
        await write_steps(connection, steps, core.actor)
        await connection.execute(
            sql("park_attempts"), [step.payout_id for step in steps], [step.attempt_no for step in steps]
        )
        return len(steps)

    return await core.database.run(work)


def _asked(row: asyncpg.Record, fence: int | None) -> Asked:
    return Asked(
        reference=Reference(
            ref=AttemptRef(payout_id=row["payout_id"], attempt_no=row["attempt_no"]),
            provider_reference=row["provider_reference"] or "",
            amount=Money(amount_minor=row["amount"], asset=row["asset"]),
            wants_value=not row.get("has_value", False),
        ),
        fence=fence,
        sent_seconds_ago=row["sent_seconds_ago"],
    )
