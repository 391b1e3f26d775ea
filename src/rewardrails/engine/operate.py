"""What people do to payouts: hold, release, retry, cancel, correct a destination. All go through the transition table."""

import json
from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from rewardrails.domain.assets import MAX_MINOR
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.outcome import Canceled, NotCancelable
from rewardrails.domain.payout import IN_PROVIDER_HANDS, PayoutState, may_move
from rewardrails.domain.policy.judge import LIFTABLE
from rewardrails.domain.policy.verdict import Outcome, Verdict
from rewardrails.domain.posting import Posting
from rewardrails.domain.reward import RewardRow
from rewardrails.engine.authors import require_no_author
from rewardrails.engine.core import Core
from rewardrails.engine.gates import holds
from rewardrails.engine.gates.again import UNSENT, judge_again
from rewardrails.engine.gates.judging import candidate_of, look
from rewardrails.engine.observe import apply_observations, new_seen
from rewardrails.engine.player_salts import salts_for
from rewardrails.engine.steps import Step, post, release, reserve, write_steps
from rewardrails.errors import ErrorCode, NotCancelableError, NotFound, PoolExhausted, ProofRequired, StateConflict
from rewardrails.providers.base import Reference, SupportsCancel
from rewardrails.security.persons import is_one_person
from rewardrails.store.database import Connection, assert_no_transaction, one
from rewardrails.store.facts import Fact, payout_digest, record_facts
from rewardrails.store.sql import sql


async def hold(core: Core, payout_id: UUID, *, cause: str, actor: str) -> None:
    """Keep a payout from being sent until somebody releases it; the cause is for those who may see what people write.

    Raises `NotFound`; `StateConflict` when it is sent or held so.
    """
    await core.database.run_once(lambda tx: hold_within(core, tx, payout_id, cause=cause, actor=actor))


async def hold_within(core: Core, tx: Connection, payout_id: UUID, *, cause: str, actor: str) -> None:
    """`hold` inside the caller's transaction."""
    row = await _locked(tx, payout_id)
    if row["state"] == PayoutState.HELD:
        if holds.PEOPLE in {gate["gate"] for gate in await tx.fetch(sql("open_gates"), payout_id)}:
            raise _conflict(row, "held", "somebody holds it already")
        await _note_hold(tx, payout_id, cause, actor)
    else:
        if not may_move(PayoutState(row["state"]), PayoutState.HELD):
            raise _conflict(row, "held", "it has gone too far for that")
        await _write(tx, row, PayoutState.HELD, actor, hold_cause=holds.PEOPLE, words=cause)
    await holds.open_holds(core, tx, [(payout_id, holds.by_people(holds.PEOPLE, cause))], person=actor)


async def release_hold(
    core: Core, payout_id: UUID, *, actor: str, reason: str = "", overrules: Collection[str] = ()
) -> None:
    """Let a held payout go on, if every gate agrees, or where a person may overrule it, is named in `overrules`, with a reason.

    A payout without a route looks for one first. Raises `NotFound`, `StateConflict` naming what still stops it,
    `ProofRequired` where a gate that may be overruled is not named, or the reason is missing, also to end the hold of somebody
    else; `Forbidden` for either by whoever had a hand in the payout.
    """
    await core.database.run_once(
        lambda tx: release_hold_within(core, tx, payout_id, actor=actor, reason=reason, overrules=overrules)
    )


async def release_hold_within(
    core: Core, tx: Connection, payout_id: UUID, *, actor: str, reason: str = "", overrules: Collection[str] = ()
) -> None:
    """`release_hold` inside the caller's transaction."""
    reason = reason.strip()
    row = await _locked(tx, payout_id)
    if row["state"] != PayoutState.HELD:
        raise _conflict(row, "released", "only a held payout can be released")
    await _end_hold_of_others(tx, payout_id, actor, reason)
    if row["provider"] is None:
        await _find_route(core, tx, row, actor)
        row = await _locked(tx, payout_id)
    stops = await _liftable_stops(core, tx, row)
    if stops:
        _require_named(payout_id, stops, overrules, reason)
        await require_no_author(tx, [payout_id], actor, then="another person overrules what holds it")
        lifts = {name: severity for stop in stops for name, severity in stop.overruled_as.items()}
        said = (list(lifts), list(lifts.values()), reason, actor)
        await tx.execute(sql("insert_lifts"), payout_id, row["content_digest"], *said)
    await tx.execute(sql("close_holds_by_people"), payout_id, actor, reason or None)
    judgement = (await judge_again(core, tx, [payout_id], actor))[payout_id]
    stop = holds.first_stop(judgement)
    if stop is not None and judgement.outcome is Outcome.HOLD:
        raise StateConflict(f"payout {payout_id} is still held: {stop.why}; {stop.next_step}")


async def _end_hold_of_others(tx: Connection, payout_id: UUID, actor: str, reason: str) -> None:
    holders = {row["opened_by"] for row in await tx.fetch(sql("open_gates"), payout_id)} - {None}
    if not holders or all([await is_one_person(tx, holder, actor) for holder in holders]):
        return
    if not reason:
        raise ProofRequired(f"somebody else holds payout {payout_id}: give a reason to end that", field="reason")
    await require_no_author(tx, [payout_id], actor, then="another person ends what holds it")


async def _liftable_stops(core: Core, tx: Connection, row: asyncpg.Record) -> list[Verdict]:
    """What stops the payout now, each as bad as its case is now. Raises `StateConflict` for what nobody may overrule."""
    (judged,) = await look(core, tx, [candidate_of(core, row)])
    stops = [verdict for verdict in judged.judgement.verdicts if verdict.outcome is Outcome.HOLD]
    for stop in stops:
        if stop.gate not in LIFTABLE:
            raise StateConflict(f"payout {row['id']} is still held: {stop.why}; {stop.next_step}")
    return stops


def _require_named(payout_id: UUID, stops: Sequence[Verdict], overrules: Collection[str], reason: str) -> None:
    if reason and {stop.gate for stop in stops} <= set(overrules):
        return
    named = ", ".join(f"{stop.gate} ({stop.why})" for stop in stops)
    raise ProofRequired(
        f"payout {payout_id} is held by {named}: name each of them as overruled, and give a reason",
        field="overrules" if reason else "reason",
    )


async def _find_route(core: Core, tx: Connection, row: asyncpg.Record, actor: str) -> None:
    """Route it, and set aside what the rail may charge."""
    provider = core.config.route(
        row["campaign"], row["jurisdiction"], row["destination_kind"], row["asset"], int(row["amount"])
    )
    if provider is None:
        raise StateConflict(f"payout {row['id']} still has no route: add one to the configuration, then release it")
    ceiling = core.config.providers[provider].fees.ceiling(int(row["amount"]), row["asset"])
    more = ceiling - int(row["fee_ceiling"])
    if int(row["amount"]) + ceiling > MAX_MINOR:
        raise StateConflict(f"payout {row['id']} and the highest fee of {provider} have more than 38 digits: cancel it")
    routed = one(await tx.fetchrow(sql("set_route"), row["id"], provider, ceiling))
    try:
        async with tx.transaction():
            await post(
                tx, row["pool_id"], [(row["id"], routed["version"], posting) for posting in reserve(more)], actor
            )
    except asyncpg.CheckViolationError:
        raise PoolExhausted(
            f"the pool cannot bear what {provider} may charge for payout {row['id']}: fund it, then release it"
        ) from None
    fact = Fact(
        subject_id=row["id"],
        version=routed["version"],
        type="payout.routed",
        data=json.dumps({"provider": provider, "fee_ceiling_minor": str(ceiling)}),
        before=routed["digest"],
        after=routed["digest"],
    )
    await record_facts(tx, [fact], actor=actor)


async def retry(core: Core, payout_id: UUID, *, actor: str) -> None:
    """Send a failed or returned payout again under a new key, reserving its money anew.

    Raises `StateConflict` for every other state (an unknown outcome is resolved, not retried), `PoolExhausted`,
    `DataErased` when the player was erased since and it has no new destination.
    """
    await core.database.run_once(lambda tx: retry_within(core, tx, payout_id, actor=actor))


async def retry_within(core: Core, tx: Connection, payout_id: UUID, *, actor: str) -> None:
    """`retry` inside the caller's transaction."""
    await tx.execute(sql("writing_for_players"))
    row = await _locked(tx, payout_id)
    if row["state"] not in (PayoutState.FAILED, PayoutState.RETURNED):
        raise _conflict(row, "retried", "only a failed or returned payout can; an unknown outcome is resolved instead")
    core.open_destination(row["destination_ciphertext"], row["destination_key_id"], row["salt"])
    try:
        async with tx.transaction():
            await _write(tx, row, PayoutState.READY, actor, postings=reserve(row["amount"] + row["fee_ceiling"]))
    except asyncpg.CheckViolationError:
        raise PoolExhausted(f"the pool cannot bear payout {payout_id} again: fund it, then retry") from None


async def cancel(core: Core, payout_id: UUID, *, actor: str) -> PayoutState:
    """Stop a payout: at once while nothing was sent, through the rail afterwards; answers the state it has then.

    Raises `NotCancelableError` when the rail refuses, cannot cancel, or its answer is unknown (the payout goes on as it was).
    """
    reference = await core.database.run_once(lambda tx: _cancel_unsent(tx, payout_id, actor))
    if reference is None:
        return PayoutState.CANCELED
    provider_name, asked = reference
    provider: object = core.providers.get(provider_name)
    if not isinstance(provider, SupportsCancel):
        raise NotCancelableError(f"payout {payout_id} is with {provider_name}, which cannot take it back")
    assert_no_transaction()
    outcome = await provider.cancel(asked)
    if isinstance(outcome, Canceled):
        seen = new_seen(
            ref=asked.ref,
            provider=provider_name,
            source=ObservationSource.CALL,
            observation=Observation(status=ObservedStatus.CANCELED, evidence=outcome.evidence),
            actor=actor,
        )
        await apply_observations(core, [seen])
        return await _state(core, payout_id)
    code = outcome.code if isinstance(outcome, NotCancelable) else ErrorCode.OUTCOME_UNKNOWN
    raise NotCancelableError(f"{provider_name} did not cancel payout {payout_id} ({code.value}); it goes on as it was")


async def _cancel_unsent(tx: Connection, payout_id: UUID, actor: str) -> tuple[str, Reference] | None:
    row = await _locked(tx, payout_id)
    state = PayoutState(row["state"])
    if state in UNSENT and row["live_attempt_no"] is None:
        await _write(tx, row, PayoutState.CANCELED, actor, postings=release(row["reserved"]))
        await holds.close_all(tx, payout_id, actor, "canceled")
        return None
    if state is PayoutState.CANCELED:
        return None
    if state in UNSENT:
        raise NotCancelableError(
            f"payout {payout_id} went out before and was not found at its provider: two people resolve it as not paid"
        )
    if state not in IN_PROVIDER_HANDS or row["live_attempt_no"] is None:
        raise NotCancelableError(f"payout {payout_id} is {state.value} and cannot be canceled")
    if state is PayoutState.SUBMITTING:
        raise NotCancelableError(f"payout {payout_id} is being sent right now; cancel it once the rail has answered")
    attempts = await tx.fetch(sql("read_attempts"), [payout_id], [row["live_attempt_no"]])
    return attempts[0]["provider"], Reference(
        ref=AttemptRef(payout_id=payout_id, attempt_no=row["live_attempt_no"]),
        provider_reference=attempts[0]["provider_reference"] or "",
        amount=Money(amount_minor=row["amount"], asset=row["asset"]),
    )


async def correct_destination(core: Core, payout_id: UUID, destination: Destination, *, actor: str) -> None:
    """Give an unsent or failed payout another destination; approvals given for the old one are void.

    Raises `StateConflict` while the old destination may still be paid.
    """
    await core.database.run_once(lambda tx: correct_destination_within(core, tx, payout_id, destination, actor=actor))


async def correct_destination_within(
    core: Core, tx: Connection, payout_id: UUID, destination: Destination, *, actor: str
) -> None:
    """`correct_destination` inside the caller's transaction."""
    row = await _locked(tx, payout_id)
    state = PayoutState(row["state"])
    if row["live_attempt_no"] is not None or state not in UNSENT | {PayoutState.FAILED, PayoutState.RETURNED}:
        raise _conflict(row, "given another destination", "its present one may still be paid")
    reward = RewardRow(
        campaign=row["campaign"],
        reward_id=row["reward_id"],
        player_id=row["player_id"],
        amount_minor=row["amount"],
        asset=row["asset"],
        jurisdiction=row["jurisdiction"],
        destination=destination,
    )
    salts = await salts_for(tx, [row["player_id"]])
    (sealed,) = core.seal_destinations([destination], [salts[row["player_id"]]])
    corrected = one(
        await tx.fetchrow(
            sql("correct_destination"),
            payout_id,
            row["version"],
            sealed,
            core.vault.key_id,
            core.digest_destination(destination),
            core.digest_content(reward),
            core.digest_address(destination),
            actor,
            core.digest_recipient(destination),
        )
    )
    before = payout_digest(
        state=state.value,
        amount_minor=row["amount"],
        destination_digest=row["destination_digest"],
        content_digest=row["content_digest"],
    )
    fact = Fact(
        subject_id=payout_id,
        version=corrected["version"],
        type="payout.destination_corrected",
        before=before,
        after=corrected["after_digest"],
    )
    await record_facts(tx, [fact], actor=actor)
    await judge_again(core, tx, [payout_id], actor)


async def _note_hold(tx: Connection, payout_id: UUID, cause: str, actor: str) -> None:
    """A person's hold on top of another: the payout stays what it is, and the log says who joined in."""
    noted = one(await tx.fetchrow(sql("next_version_of_payout"), payout_id))
    fact = Fact(
        subject_id=payout_id,
        version=noted["version"],
        type="payout.hold_added",
        data=json.dumps({"cause": holds.PEOPLE, "words": cause}),
        before=noted["digest"],
        after=noted["digest"],
    )
    await record_facts(tx, [fact], actor=actor)


async def _locked(tx: Connection, payout_id: UUID) -> asyncpg.Record:
    rows = await tx.fetch(sql("lock_payouts"), [payout_id])
    if not rows:
        raise NotFound(f"there is no payout {payout_id}")
    return rows[0]


async def _write(
    tx: Connection,
    row: asyncpg.Record,
    to_state: PayoutState,
    actor: str,
    *,
    hold_cause: str | None = None,
    words: str = "",
    postings: Sequence[Posting] = (),
) -> None:
    step = Step(
        payout_id=row["id"],
        version=row["version"],
        from_state=PayoutState(row["state"]),
        to_state=to_state,
        hold_cause=hold_cause,
        words=words,
        postings=tuple(postings),
    )
    await write_steps(tx, [step], actor)


async def _state(core: Core, payout_id: UUID) -> PayoutState:
    async with core.database.reading() as connection:
        return PayoutState(await connection.fetchval(sql("payout_state"), payout_id))


def _conflict(row: asyncpg.Record, verb: str, why: str) -> StateConflict:
    return StateConflict(f"payout {row['id']} is {row['state']} and cannot be {verb}: {why}")
