"""The one sender: claim, store the attempt, commit, call, tell what was learnt.

Everything else (API, batches, operators, retries, recovery) only makes a payout ready.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import assert_never
from uuid import UUID

import asyncpg
import structlog

from rewardrails import clock
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import (
    Accepted,
    CreateOutcome,
    OutcomeUnknown,
    Progressed,
    Rejected,
    RejectionScope,
    Settled,
)
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.quote import QuoteRequest
from rewardrails.engine import floats
from rewardrails.engine.core import Core
from rewardrails.engine.gates import holds
from rewardrails.engine.gates.again import step_of
from rewardrails.engine.gates.judging import candidate_of, judge_batch, look
from rewardrails.engine.last_look import stopped_since
from rewardrails.engine.observe import Seen, apply_observations, new_seen
from rewardrails.engine.ready import Opened, open_ready
from rewardrails.engine.steps import Step, write_steps
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.providers.base import RewardPayoutProvider, SupportsPrepare
from rewardrails.store.database import Connection, assert_no_transaction
from rewardrails.store.sql import sql

LEASE_MARGIN = timedelta(seconds=20)
SEND_WITHIN = LEASE_MARGIN / 2
"""The first byte of what was claimed leaves within this time, or not at all."""
LOOK_LASTS = timedelta(seconds=0.5)
"""How long after the gates let it through a payout may go without being judged again."""
PROBE_SECONDS = 5.0
MAX_STEPS = 8
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An attempt this worker holds: its order, its fence, and the monotonic seconds after which it must not be sent, and
    must be judged again before it is.
    """

    order: Order = field(repr=False)
    fence: int
    sends: int
    send_before: float
    look_before: float
    quote_lapsed: bool
    salt: bytes | None = field(repr=False)

    @property
    def ref(self) -> AttemptRef:
        """The attempt's name."""
        return self.order.ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What the configuration lets one provider do: orders in flight, and a rate (None: no limit)."""

    max_in_flight: int
    rate_per_second: float | None
    burst: float


async def claim(core: Core, provider: RewardPayoutProvider, budget: Budget, wanted: int) -> list[Claimed]:
    """Take up to `wanted` ready payouts of a provider; their attempts are stored and committed when this returns.

    Takes none while the provider is paused, broken or out of budget, and none when one of them is sealed with a key that
    this process was not given (`KeyMissing`): then no attempt is begun, and another worker may take them. After a lost
    COMMIT reply nothing is returned and recovery asks the rail once the lease has lapsed.
    """
    started = clock.monotonic()
    async with core.database.transaction() as connection:
        send_before = started + (await _leaves_within(core, connection)).total_seconds()
        granted = await _take_budget(connection, provider.name, budget, wanted)
        opened, rows = await _claim_rows(core, connection, provider, granted) if granted else ({}, [])
        if len(rows) < granted and budget.rate_per_second is not None:
            await connection.execute(sql("return_budget"), provider.name, float(granted - len(rows)))
        claimed = [_claimed(core, row, opened[row["id"]], send_before) for row in rows]
    if isinstance(provider, SupportsPrepare) and claimed:
        return await look_again(core, provider, await _prepare(core, provider, provider.name, claimed))
    return claimed


async def look_again(core: Core, provider: RewardPayoutProvider, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Ask the gates about claimed attempts; what they stop now goes back unsent. Answers what may be sent."""
    stopped = await _stopped(core, claimed)
    refused = [
        never_sent(item, provider.name, stopped[item.ref], core.actor) for item in claimed if item.ref in stopped
    ]
    if refused:
        await apply_observations(core, refused)
    until = clock.monotonic() + LOOK_LASTS.total_seconds()
    return [replace(item, look_before=until) for item in claimed if item.ref not in stopped]


async def _stopped(core: Core, claimed: Sequence[Claimed]) -> Mapping[AttemptRef, ErrorCode]:
    if not claimed:
        return {}
    left = max(item.send_before for item in claimed) - clock.monotonic()
    ids = [item.ref.payout_id for item in claimed]
    try:
        found = await stopped_since(core, ids, leaving_within=timedelta(seconds=max(0.0, left)))
    except Exception:  # the edge: what nobody could ask about does not leave, and so was certainly never sent
        log.exception("last_look_failed", payouts=len(ids))
        return dict.fromkeys((item.ref for item in claimed), ErrorCode.DATABASE_UNAVAILABLE)
    return {item.ref: found[item.ref.payout_id] for item in claimed if item.ref.payout_id in found}


async def _take_budget(connection: Connection, provider: str, budget: Budget, wanted: int) -> int:
    await connection.execute(sql("lock_provider"), provider)
    granted: int = await connection.fetchval(
        sql("take_budget"),
        provider,
        wanted,
        budget.max_in_flight,
        budget.rate_per_second,
        budget.burst,
        PROBE_SECONDS,
    )
    return granted


async def _leaves_within(core: Core, connection: Connection) -> timedelta:
    """How long from now on payouts may leave that the gates are asked about next: what is counted in a day leaves in it."""
    if not any(limit.calendar_day for limit in core.config.rules.limits):
        return SEND_WITHIN
    left = timedelta(seconds=await connection.fetchval(sql("seconds_left_in_day")))
    return min(SEND_WITHIN, left)


async def _claim_rows(
    core: Core, connection: Connection, provider: RewardPayoutProvider, granted: int
) -> tuple[Mapping[UUID, Opened], list[asyncpg.Record]]:
    shut = await floats.shut_assets(core, connection, provider.name)
    picked = await connection.fetch(sql("pick_ready"), provider.name, granted, shut)
    opened = await open_ready(core, connection, picked)
    passed = await _let_through(core, connection, [row for row in picked if row["id"] in opened])
    wanted = await floats.claim_what_fits(core, connection, provider.name, [r for r in picked if r["id"] in passed])
    if not wanted:
        return {}, []
    lease = lease_of(provider).total_seconds()
    window = provider.capabilities.dedupe_window
    rows: list[asyncpg.Record] = await connection.fetch(
        sql("claim_ready"),
        provider.name,
        wanted,
        core.actor,
        lease,
        window.total_seconds() if window is not None else None,
        lease,
    )
    return opened, rows


async def _let_through(core: Core, connection: Connection, rows: Sequence[asyncpg.Record]) -> set[UUID]:
    """Ask every gate once more, now that money would leave; what is stopped moves back. Answers the ids that may go."""
    found = await look(core, connection, [candidate_of(core, row) for row in rows], leaving_within=SEND_WITHIN)
    # It counted in another window, under other limits, or under an approval that is gone: what counts it now must have room.
    to_count = [item.candidate for item in found if item.newly_counted]
    uncounted = await judge_batch(core, connection, to_count, leaving_within=SEND_WITHIN)
    judged = {item.candidate.payout_id: item for item in (*found, *uncounted)}
    changed = [item for item in judged.values() if item.judgement.stopped or item.newly_counted]
    if changed:
        await holds.write(core, connection, changed, core.actor)
        steps = [step_of(row, judged[row["id"]].judgement) for row in rows if judged[row["id"]].judgement.stopped]
        await write_steps(connection, steps, core.actor)
    return {row["id"] for row in rows if not judged[row["id"]].judgement.stopped}


def lease_of(provider: RewardPayoutProvider) -> timedelta:
    """How long an attempt is held: the longest call and a margin, so that a lapsed lease means a call that is over."""
    return provider.capabilities.call_timeout + LEASE_MARGIN


def _claimed(core: Core, row: asyncpg.Record, opened: Opened, send_before: float) -> Claimed:
    order = Order(
        ref=AttemptRef(payout_id=row["id"], attempt_no=row["attempt_no"]),
        amount=Money(amount_minor=row["amount"], asset=row["asset"]),
        destination=opened.destination,
        player_id=row["player_id"],
        campaign=row["campaign"],
        jurisdiction=row["jurisdiction"],
        fee_ceiling=Money(amount_minor=row["fee_ceiling"], asset=row["asset"]),
        prepared=core.open_rail_state(row["prepared"], row["prepared_key_id"], opened.salt),
        resume=core.open_rail_state(row["resume"], row["resume_key_id"], opened.salt),
    )
    return Claimed(
        order=order,
        fence=row["fence"],
        sends=row["sends"],
        send_before=send_before,
        look_before=clock.monotonic() + LOOK_LASTS.total_seconds(),
        quote_lapsed=bool(row["quote_lapsed"]),
        salt=opened.salt,
    )


async def _prepare(core: Core, provider: SupportsPrepare, name: str, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Have the adapter prepare fresh attempts and commit what it prepared; one that was prepared before keeps its bytes."""
    fresh = [item for item in claimed if item.order.prepared is None]
    ready = [item for item in claimed if item.order.prepared is not None]
    assert_no_transaction()
    try:
        prepared = await provider.prepare([item.order for item in fresh]) if fresh else []
    except Exception:  # the edge: nothing is sent before it is prepared, so this is a certain refusal
        log.exception("adapter_raised", provider=name)
        seen = [never_sent(item, name, ErrorCode.PROVIDER_UNAVAILABLE, core.actor) for item in fresh]
        await apply_observations(core, seen)
        return ready
    async with core.database.transaction() as connection:
        rows = await connection.fetch(
            sql("store_prepared"),
            name,
            [item.order.rail_key for item in fresh],
            [core.seal_rail_state(one.opaque, item.salt) for item, one in zip(fresh, prepared, strict=True)],
            [one.expires_at for one in prepared],
            core.vault.key_id,
        )
    stored = {row["rail_key"] for row in rows}
    opaque = {item.order.rail_key: one.opaque for item, one in zip(fresh, prepared, strict=True)}
    return ready + [
        replace(item, order=replace(item.order, prepared=opaque[item.order.rail_key]))
        for item in fresh
        if item.order.rail_key in stored
    ]


async def send(core: Core, provider: RewardPayoutProvider, claimed: Claimed) -> Seen:
    """Call the provider for one claimed attempt; never raises, answers what was learnt.

    The call is not made when this worker has slept too long since its claim: then nothing was sent, and that is a certain
    refusal. Whatever goes wrong after the first byte leaves the outcome unknown.
    """
    outcome = await _call(core, provider, claimed)
    return new_seen(
        ref=claimed.ref,
        provider=provider.name,
        source=ObservationSource.CALL,
        observation=observation_of(
            outcome, sends=claimed.sends, replays_errors=provider.capabilities.dedupe_replays_errors
        ),
        actor=core.actor,
        fence=claimed.fence,
    )


def never_sent(claimed: Claimed, provider: str, code: ErrorCode, actor: str) -> Seen:
    """What is learnt when a claimed attempt is deliberately not sent: it may be tried again, and no try is spent."""
    refusal = Rejected(code=code, retryable=True, scope=RejectionScope.PROVIDER)
    return new_seen(
        ref=claimed.ref,
        provider=provider,
        source=ObservationSource.CALL,
        observation=observation_of(refusal, sends=claimed.sends, replays_errors=False),
        actor=actor,
        fence=claimed.fence,
    )


async def _call(core: Core, provider: RewardPayoutProvider, claimed: Claimed) -> CreateOutcome:
    order = claimed.order
    try:
        assert_no_transaction()
        for _ in range(MAX_STEPS):
            if (stop := await _too_late(core, claimed)) is not None:
                return Rejected(code=stop, retryable=True, scope=RejectionScope.PROVIDER)
            outcome = await provider.create_payout(order)
            if not isinstance(outcome, Progressed):
                return outcome
            if not await _remember_step(core, provider.name, claimed, outcome.resume):
                return OutcomeUnknown(evidence=outcome.evidence)
            order = replace(order, resume=outcome.resume)
    except Exception as error:  # the edge: an adapter's bug after the first byte is an unknown outcome, never a failure
        log.exception("adapter_raised", provider=provider.name, payout_id=str(order.ref.payout_id))
        return OutcomeUnknown(evidence=Evidence(provider_code=f"raised:{type(error).__name__}"))
    return OutcomeUnknown(evidence=Evidence(provider_code="too_many_steps"))


async def _too_late(core: Core, claimed: Claimed) -> ErrorCode | None:
    """Why the next byte must not leave: this worker slept, or something stops the payout by now. Asks nobody while fresh."""
    if clock.monotonic() > claimed.send_before:
        return ErrorCode.PROVIDER_UNAVAILABLE
    late = [claimed] if clock.monotonic() > claimed.look_before else []
    return (await _stopped(core, late)).get(claimed.ref)


async def _remember_step(core: Core, provider: str, claimed: Claimed, resume: bytes) -> bool:
    async with core.database.transaction() as connection:
        kept = await connection.fetchval(
            sql("store_resume"),
            provider,
            claimed.order.rail_key,
            core.seal_rail_state(resume, claimed.salt),
            claimed.ref.payout_id,
            claimed.ref.attempt_no,
            claimed.fence,
            core.vault.key_id,
        )
    return kept is not None


def observation_of(outcome: CreateOutcome, *, sends: int, replays_errors: bool) -> Observation:
    """What an outcome says about the attempt.

    Of an attempt that went out more than once a refusal proves only that *this* sending did nothing: an earlier one may
    still be on its way, so it is unknown unless the rail binds its refusals to the key.
    """
    match outcome:
        case Settled():
            return Observation(
                status=ObservedStatus.PAID,
                provider_reference=outcome.provider_reference,
                fee=outcome.fee,
                value=outcome.value,
                evidence=outcome.evidence,
            )
        case Accepted():
            return Observation(
                status=ObservedStatus.PENDING,
                provider_reference=outcome.provider_reference,
                evidence=outcome.evidence,
            )
        case Rejected() if sends == 1 or (replays_errors and outcome.scope is RejectionScope.PAYOUT):
            return Observation(
                status=ObservedStatus.FAILED,
                code=outcome.code,
                retryable=outcome.retryable,
                spends_try=outcome.scope is RejectionScope.PAYOUT,
                retry_after_seconds=outcome.retry_after_seconds,
                evidence=outcome.evidence,
            )
        case Rejected() | Progressed():
            return Observation(status=ObservedStatus.UNKNOWN, code=ErrorCode.OUTCOME_UNKNOWN, evidence=outcome.evidence)
        case OutcomeUnknown():
            return Observation(
                status=ObservedStatus.UNKNOWN,
                code=outcome.code,
                provider_reference=outcome.provider_reference,
                evidence=outcome.evidence,
            )
        case _:
            assert_never(outcome)


async def hold_lapsed_quotes(core: Core, provider: RewardPayoutProvider, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Renew quotes that lapsed before sending; an attempt whose new fee is above its ceiling is not sent but held.

    Answers the attempts that may be sent.
    """
    kept, refused = [], []
    for item in claimed:
        if item.quote_lapsed and not await _quote_still_fits(provider, item.order):
            refused.append(item)
        else:
            kept.append(item)
    if refused:
        seen = [never_sent(item, provider.name, ErrorCode.QUOTE_EXPIRED, core.actor) for item in refused]
        await apply_observations(core, seen)
        await core.database.run(lambda connection: _hold(core, connection, refused))
    renewed = any(item.quote_lapsed for item in kept)
    return await look_again(core, provider, kept) if renewed else kept


async def _quote_still_fits(provider: RewardPayoutProvider, order: Order) -> bool:
    request = QuoteRequest(
        amount=order.amount,
        destination=order.destination,
        player_id=order.player_id,
        jurisdiction=order.jurisdiction,
    )
    try:
        quote = await provider.quote(request)
    except RewardRailsError:
        return False
    except Exception:  # the edge: a quote that cannot be had holds its payout, and no other of the round
        log.exception("adapter_raised", provider=provider.name, payout_id=str(order.ref.payout_id))
        return False
    return quote.fee.asset == order.amount.asset and quote.fee.amount_minor <= order.fee_ceiling.amount_minor


async def _hold(core: Core, connection: Connection, refused: Sequence[Claimed]) -> None:
    rows = await connection.fetch(sql("lock_payouts"), [item.ref.payout_id for item in refused])
    steps = [
        Step(
            payout_id=row["id"],
            version=row["version"],
            from_state=PayoutState.READY,
            to_state=PayoutState.HELD,
            code=ErrorCode.QUOTE_EXPIRED,
            hold_cause=ErrorCode.QUOTE_EXPIRED.value,
        )
        for row in rows
        if row["state"] == PayoutState.READY
    ]
    await write_steps(connection, steps, core.actor)
    stop = holds.by_people(ErrorCode.QUOTE_EXPIRED.value, "its fee is above what was quoted")
    await holds.open_holds(core, connection, [(step.payout_id, stop) for step in steps])
