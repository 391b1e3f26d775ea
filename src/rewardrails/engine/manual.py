"""Working the queue of a manual rail: its queue *is* its pending attempts; people settle with proof or refuse with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.text import letters_and_digits
from rewardrails.engine.by_hand import where_to
from rewardrails.engine.core import Core
from rewardrails.engine.observe import Verdict, apply_observations, new_seen
from rewardrails.errors import ErrorCode, NotFound, ProofRequired, RewardRailsError, StateConflict
from rewardrails.store.sql import sql

MIN_PROOF_LETTERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualItem:
    """One payout that waits for a person's hands; amount in smallest units.

    `code` says why it must not be paid; then there is no destination.
    """

    payout_id: UUID
    provider: str
    campaign: str
    reward_id: str
    player_id: str
    amount_minor: int
    asset: str
    destination: Destination | None = field(repr=False)
    since: datetime
    code: ErrorCode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualResult:
    """What a person did about one item: `paid` with proof, or refused with a reason."""

    payout_id: UUID
    paid: bool
    words: str = field(repr=False)


async def queue(core: Core, *, limit: int = 50, after: UUID | None = None) -> list[ManualItem]:
    """The open queue of every manual provider, oldest first, judged again now that people would pay it.

    What a gate or a pause stops, and what was altered in the database since, says so and shows no destination.
    """
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("manual_queue"), core.config.manual_providers, limit, after)
        found = await where_to(core, connection, rows)
    return [_item(row, one) for row, one in zip(rows, found, strict=True)]


def _item(row: asyncpg.Record, found: Destination | ErrorCode) -> ManualItem:
    return ManualItem(
        payout_id=row["id"],
        provider=row["provider"],
        campaign=row["campaign"],
        reward_id=row["reward_id"],
        player_id=row["player_id"],
        amount_minor=row["amount"],
        asset=row["asset"],
        destination=None if isinstance(found, ErrorCode) else found,
        since=row["since"],
        code=found if isinstance(found, ErrorCode) else None,
    )


async def settle(core: Core, payout_id: UUID, *, proof: str, actor: str) -> PayoutState:
    """Record that a person paid it. Raises `ProofRequired`, `NotFound`, `StateConflict` when it is not in a queue."""
    return await _only(core, ManualResult(payout_id=payout_id, paid=True, words=proof), actor)


async def refuse(core: Core, payout_id: UUID, *, reason: str, actor: str) -> PayoutState:
    """Record that a person will not pay it; its money is released. Raises as `settle` does."""
    return await _only(core, ManualResult(payout_id=payout_id, paid=False, words=reason), actor)


async def record(core: Core, results: Sequence[ManualResult], actor: str) -> list[PayoutState | RewardRailsError]:
    """Record many results; answers the state of each payout or why its result was not taken. A repeat is taken once."""
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("manual_attempts"), [result.payout_id for result in results])
    known = {row["id"]: row for row in rows}
    answers: dict[int, PayoutState | RewardRailsError] = {}
    seen = {}
    for index, result in enumerate(results):
        row = known.get(result.payout_id)
        problem = _problem(core, result, row)
        if problem is not None or row is None:
            answers[index] = problem or NotFound(f"there is no payout {result.payout_id}")
            continue
        seen[index] = new_seen(
            ref=AttemptRef(payout_id=result.payout_id, attempt_no=row["attempt_no"]),
            provider=row["provider"],
            source=ObservationSource.OPERATOR,
            observation=_observation(result),
            actor=actor,
        )
    verdicts = await apply_observations(core, list(seen.values()))
    for index, verdict in zip(seen, verdicts, strict=True):
        answers[index] = _answer(results[index], known[results[index].payout_id]["state"], verdict)
    await _close_holds(core, [results[index].payout_id for index in seen if answers[index] is PayoutState.PAID], actor)
    return [answers[index] for index in range(len(results))]


async def _close_holds(core: Core, payout_ids: Sequence[UUID], actor: str) -> None:
    """Nothing stops what has been paid; what was refused may be retried, and is still to be looked at then."""
    if payout_ids:
        async with core.database.transaction() as tx:
            await tx.execute(sql("close_holds"), payout_ids, [], [], actor, "paid by hand")


async def _only(core: Core, result: ManualResult, actor: str) -> PayoutState:
    (answer,) = await record(core, [result], actor)
    if isinstance(answer, RewardRailsError):
        raise answer
    return answer


def _problem(core: Core, result: ManualResult, row: object) -> RewardRailsError | None:
    if letters_and_digits(result.words) < MIN_PROOF_LETTERS:
        return ProofRequired(
            f"payout {result.payout_id}: say how it was paid (a receipt, a reference), or why it was refused",
            field="proof" if result.paid else "reason",
        )
    if row is None:
        return NotFound(f"there is no payout {result.payout_id}")
    provider, state = row["provider"], row["state"]  # type: ignore[index]
    if provider not in core.config.manual_providers:
        return StateConflict(f"payout {result.payout_id} goes over {provider}, not over a manual rail")
    ended = PayoutState.PAID if result.paid else PayoutState.FAILED
    if state == PayoutState.OUTCOME_UNKNOWN:
        return StateConflict(f"payout {result.payout_id} is {state}: two people resolve it, with evidence")
    if state not in (PayoutState.PENDING, PayoutState.SUBMITTING, ended):
        return StateConflict(f"payout {result.payout_id} is {state} and not in the queue")
    return None


def _observation(result: ManualResult) -> Observation:
    return Observation(
        status=ObservedStatus.PAID if result.paid else ObservedStatus.FAILED,
        code=None if result.paid else ErrorCode.PROVIDER_REJECTED,
        evidence=Evidence(
            provider_code="settled_by_hand" if result.paid else "refused_by_hand", message=result.words.strip()
        ),
    )


def _answer(result: ManualResult, state: str, verdict: Verdict) -> PayoutState | RewardRailsError:
    ended = PayoutState.PAID if result.paid else PayoutState.FAILED
    if verdict is Verdict.APPLIED or (verdict is Verdict.NO_CHANGE and state == ended):
        return ended
    return StateConflict(
        f"payout {result.payout_id} has moved on (it was {state} a moment ago): look at it again; what you say of it is kept "
        "with it, and moved nothing"
    )
