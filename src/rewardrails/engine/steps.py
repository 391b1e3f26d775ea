"""Writing decided steps: one statement moves the payouts, posts their transfers and tells their events."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from rewardrails import ids
from rewardrails.domain.payout import Move, PayoutState
from rewardrails.domain.posting import ACCOUNTS, Posting, TransferKind, postings
from rewardrails.errors import ErrorCode
from rewardrails.store import origin
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One payout's next state, decided under its row lock at `version`."""

    payout_id: UUID
    version: int
    from_state: PayoutState
    to_state: PayoutState
    code: ErrorCode | None = None
    hold_cause: str | None = None
    words: str = ""
    due_in_seconds: float = 0.0
    spends_try: bool = False
    fee_minor: int | None = None
    provider: str | None = None
    event_type: str = ""
    attempt_no: int | None = None
    postings: tuple[Posting, ...] = field(default=())

    @classmethod
    def of_move(cls, move: Move, due_in_seconds: float) -> "Step":
        """The step of a decision that changes the payout's state."""
        standing = move.standing
        if move.to_state is None:
            raise ValueError("this decision moves nothing")
        return cls(
            payout_id=standing.payout_id,
            version=standing.version,
            from_state=standing.state,
            to_state=move.to_state,
            code=move.code,
            due_in_seconds=due_in_seconds,
            spends_try=move.spends_try,
            fee_minor=move.fee_minor if move.to_state is PayoutState.PAID else None,
            event_type="payout.late_success" if move.is_late_success else "",
            attempt_no=standing.attempt_no,
            postings=postings(move),
        )


async def write_steps(connection: Connection, steps: Sequence[Step], actor: str) -> dict[UUID, int]:
    """Write steps of distinct payouts; answers the new version of each payout that moved.

    A payout whose version has moved on is left alone, with its transfers and events.
    """
    if not steps:
        return {}
    ordered = sorted(steps, key=lambda step: step.payout_id)
    columns = (
        [step.payout_id for step in ordered],
        [step.version for step in ordered],
        [step.to_state.value for step in ordered],
        [step.code.value if step.code else None for step in ordered],
        [step.hold_cause for step in ordered],
        [step.due_in_seconds for step in ordered],
        [int(step.spends_try) for step in ordered],
        [step.fee_minor for step in ordered],
        [step.event_type or f"payout.{step.to_state.value}" for step in ordered],
        [_event_data(step) for step in ordered],
        [step.provider for step in ordered],
    )
    made = [(step.payout_id, posting) for step in ordered for posting in step.postings]
    transfers = (
        [ids.new_id() for _ in made],
        [payout_id for payout_id, _ in made],
        [posting.kind.value for _, posting in made],
        [ACCOUNTS[posting.kind][0] for _, posting in made],
        [ACCOUNTS[posting.kind][1] for _, posting in made],
        [posting.amount_minor for _, posting in made],
    )
    whence = ([step.from_state.value for step in ordered], origin.current())
    rows = await connection.fetch(sql("write_moves"), *columns, actor, *transfers, *whence)
    return {row["id"]: row["version"] for row in rows}


async def post(connection: Connection, pool_id: UUID, made: Sequence[tuple[UUID, int, Posting]], actor: str) -> None:
    """Post transfers of payouts, each at the version it now has, that come with no step."""
    if not made:
        return
    await connection.execute(
        sql("insert_transfers"),
        [ids.new_id() for _ in made],
        [pool_id] * len(made),
        [posting.kind.value for *_, posting in made],
        [ACCOUNTS[posting.kind][0] for *_, posting in made],
        [ACCOUNTS[posting.kind][1] for *_, posting in made],
        [posting.amount_minor for *_, posting in made],
        [payout_id for payout_id, *_ in made],
        [version for _, version, _ in made],
        [None] * len(made),
        actor,
    )


def reserve(amount_minor: int) -> tuple[Posting, ...]:
    """The transfer that sets money aside for a payout."""
    return (Posting(TransferKind.RESERVE, amount_minor),) if amount_minor else ()


def release(amount_minor: int) -> tuple[Posting, ...]:
    """The transfer that gives a reservation back."""
    return (Posting(TransferKind.RELEASE, amount_minor),) if amount_minor else ()


def _event_data(step: Step) -> str:
    data: dict[str, str | int] = {"from": step.from_state.value, "to": step.to_state.value}
    if step.attempt_no is not None:
        data["attempt"] = step.attempt_no
    if step.code:
        data["code"] = step.code.value
    if step.hold_cause:
        data["cause"] = step.hold_cause
    if step.words:
        data["words"] = step.words
    if step.fee_minor:
        data["fee_minor"] = str(step.fee_minor)
    return json.dumps(data)
