"""Settling an outcome that nobody can prove: one person proposes with evidence, another confirms."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg

from rewardrails import ids
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.text import find_control_in_free_text, letters_and_digits
from rewardrails.engine.core import Core
from rewardrails.engine.gates import holds
from rewardrails.engine.gates.again import UNSENT
from rewardrails.engine.observe import apply_within, new_seen
from rewardrails.engine.steps import Step, write_steps
from rewardrails.errors import DataErased, ErrorCode, FieldInvalid, Forbidden, NotFound, ProofRequired, StateConflict
from rewardrails.security.caller import require_fresh
from rewardrails.security.persons import is_one_person
from rewardrails.store.database import Connection, one
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql

MIN_EVIDENCE_LETTERS = 10


class Resolved(StrEnum):
    """What two people found out."""

    PAID = "paid"
    NOT_PAID = "not_paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A proposed or confirmed resolution; `confirmed_by` is None while it waits for a second person."""

    id: UUID
    payout_id: UUID
    outcome: Resolved
    proposed_by: str
    confirmed_by: str | None
    state: PayoutState


async def resolve(
    core: Core,
    payout_id: UUID,
    *,
    outcome: Resolved,
    evidence: str,
    actor: str,
    authenticated_at: datetime | None = None,
) -> Resolution:
    """Propose how an unknown outcome ended, or confirm the same proposal of somebody else, which settles it.

    `not_paid` fails the payout and releases its money; a person may then retry it. Raises `ProofRequired` without
    evidence, `FieldInvalid` when it is no plain text, `StateConflict` when the outcome is not unknown or the proposal
    says otherwise, `Forbidden` when the confirming actor proposed it, `StepUpRequired` where the configuration asks for a
    fresher sign-in than `authenticated_at` (None for a key).
    """
    return await core.database.run_once(
        lambda tx: resolve_within(
            core, tx, payout_id, outcome=outcome, evidence=evidence, actor=actor, authenticated_at=authenticated_at
        )
    )


async def resolve_within(
    core: Core,
    tx: Connection,
    payout_id: UUID,
    *,
    outcome: Resolved,
    evidence: str,
    actor: str,
    authenticated_at: datetime | None,
) -> Resolution:
    """`resolve` inside the caller's transaction."""
    require_fresh(authenticated_at, core.config.sign_in.resolve_fresh)
    evidence = evidence.strip()
    if letters_and_digits(evidence) < MIN_EVIDENCE_LETTERS:
        raise ProofRequired(
            "say what you saw at the provider and where (a reference, a statement, a screenshot's place)",
            field="evidence",
        )
    if find_control_in_free_text(evidence):
        raise FieldInvalid("the evidence holds a control character or bytes that are not UTF-8", field="evidence")
    rows = await tx.fetch(sql("lock_payouts"), [payout_id])
    if not rows:
        raise NotFound(f"there is no payout {payout_id}")
    payout = rows[0]
    if not _may_have_left(payout):
        raise StateConflict(f"payout {payout_id} is {payout['state']}; only an unknown outcome can be resolved")
    open_one = await tx.fetchrow(sql("open_resolution"), payout_id)
    if open_one is None:
        return await _propose(core, tx, payout, outcome=outcome, evidence=evidence, actor=actor)
    if open_one["outcome"] != outcome.value or open_one["overtaken"]:
        await tx.execute(sql("void_resolution"), open_one["id"])
        return await _propose(core, tx, payout, outcome=outcome, evidence=evidence, actor=actor)
    if await is_one_person(tx, open_one["proposed_by"], actor):
        raise Forbidden(
            f"you proposed this yourself: another person must confirm that payout {payout_id} was {outcome}"
        )
    await tx.execute(sql("confirm_resolution"), open_one["id"], actor)
    attempt = one(await tx.fetchrow(sql("read_attempts"), [payout_id], [open_one["attempt_no"]]))
    paid = outcome is Resolved.PAID
    seen = new_seen(
        ref=AttemptRef(payout_id=payout_id, attempt_no=open_one["attempt_no"]),
        provider=attempt["provider"],
        source=ObservationSource.OPERATOR,
        observation=Observation(
            status=ObservedStatus.PAID if paid else ObservedStatus.FAILED,
            code=None if paid else ErrorCode.PROVIDER_REJECTED,
            evidence=Evidence(provider_code="resolved_by_two", message=evidence),
        ),
        actor=actor,
        by_two=True,
    )
    await _out_of_the_queue(tx, payout, actor)
    await apply_within(core, tx, [seen])
    return Resolution(
        id=open_one["id"],
        payout_id=payout_id,
        outcome=outcome,
        proposed_by=open_one["proposed_by"],
        confirmed_by=actor,
        state=PayoutState(await tx.fetchval(sql("payout_state"), payout_id)),
    )


def _may_have_left(payout: asyncpg.Record) -> bool:
    """Whether two people may say how it ended: its outcome is unknown, or it would go out again under the same key."""
    state = PayoutState(payout["state"])
    return state is PayoutState.OUTCOME_UNKNOWN or (state in UNSENT and payout["live_attempt_no"] is not None)


async def _out_of_the_queue(tx: Connection, payout: asyncpg.Record, actor: str) -> None:
    """What would go out again does not any more."""
    state = PayoutState(payout["state"])
    if state is PayoutState.OUTCOME_UNKNOWN:
        return
    step = Step(
        payout_id=payout["id"], version=payout["version"], from_state=state, to_state=PayoutState.OUTCOME_UNKNOWN
    )
    await write_steps(tx, [step], actor)
    await holds.close_all(tx, payout["id"], actor, "resolved by two people")


async def _propose(
    core: Core, tx: Connection, payout: asyncpg.Record, *, outcome: Resolved, evidence: str, actor: str
) -> Resolution:
    if payout["salt"] is None:
        raise DataErased(
            f"the data of payout {payout['id']}'s player are gone: restore their salt before it is resolved"
        )
    made = ids.new_id()
    told = json.dumps({"payout": str(payout["id"]), "outcome": outcome.value})
    await record_facts(tx, [Fact(subject_id=made, version=1, type="resolution.proposed", data=told)], actor=actor)
    await tx.execute(
        sql("insert_resolution"),
        made,
        payout["id"],
        payout["live_attempt_no"],
        outcome.value,
        core.seal_evidence(evidence.encode(), payout["salt"]),
        core.vault.key_id,
        core.vault.digest(evidence.encode()),
        actor,
    )
    return Resolution(
        id=made,
        payout_id=payout["id"],
        outcome=outcome,
        proposed_by=actor,
        confirmed_by=None,
        state=PayoutState(payout["state"]),
    )
