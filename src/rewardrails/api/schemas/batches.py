"""Batches over the wire."""

from datetime import datetime
from uuid import UUID

import msgspec

from rewardrails.api.schemas.common import Amount, Out, amount, decimal
from rewardrails.engine.batches import Batch, BatchRow, BatchState, BatchTotals
from rewardrails.engine.core import Core
from rewardrails.engine.needs import PoolNeed
from rewardrails.engine.request import RequestVerdict
from rewardrails.intake.reader import FileFormat


class BatchOut(Out):
    """A staged file."""

    id: UUID
    name: str
    format: FileFormat
    state: BatchState
    rows_staged: int
    bytes_staged: int
    started_to: int
    created_by: str
    created_at: datetime
    started_by: str | None

    @classmethod
    def of(cls, batch: Batch) -> "BatchOut":
        """A batch as it goes out."""
        return cls(
            id=batch.id,
            name=batch.name,
            format=batch.format,
            state=batch.state,
            rows_staged=batch.rows_staged,
            bytes_staged=batch.bytes_staged,
            started_to=batch.started_to,
            created_by=batch.created_by,
            created_at=batch.created_at,
            started_by=batch.started_by,
        )


class VerdictOut(Out):
    """How many rows of one asset have one verdict and code; the amount is null where rows could not be read."""

    verdict: RequestVerdict
    code: str | None
    asset: str | None
    rows: int
    amount: Amount | None
    payouts: int


class StateOut(Out):
    """How many payouts of the batch stand in one state."""

    state: str
    asset: str
    payouts: int
    amount: Amount


class NeedOut(Out):
    """What the rows that are not payouts yet ask of a pool (fees come on top), and what it has available."""

    pool: str | None
    asset: str
    rows: int
    needed: Amount
    available: Amount
    enough: bool


class BatchDetail(BatchOut):
    """A batch by verdict, its payouts by state, and what it still needs."""

    verdicts: list[VerdictOut]
    payouts: list[StateOut]
    needs: list[NeedOut]

    @classmethod
    def of_totals(cls, core: Core, batch: Batch, totals: BatchTotals, needs: list[PoolNeed]) -> "BatchDetail":
        """A batch with its totals as it goes out."""
        return cls(
            **msgspec.structs.asdict(BatchOut.of(batch)),
            verdicts=[
                VerdictOut(
                    verdict=line.verdict,
                    code=line.code,
                    asset=line.asset,
                    rows=line.rows,
                    amount=amount(core, line.amount_minor, line.asset) if line.asset else None,
                    payouts=line.payouts,
                )
                for line in totals.lines
            ],
            payouts=[
                StateOut(
                    state=line.state,
                    asset=line.asset,
                    payouts=line.payouts,
                    amount=amount(core, line.amount_minor, line.asset),
                )
                for line in totals.payouts
            ],
            needs=[
                NeedOut(
                    pool=need.pool,
                    asset=need.asset,
                    rows=need.rows,
                    needed=amount(core, need.needed_minor, need.asset),
                    available=amount(core, need.available_minor, need.asset),
                    enough=need.needed_minor <= need.available_minor,
                )
                for need in needs
            ],
        )


class BatchPage(Out):
    """Batches, newest first."""

    batches: list[BatchOut]
    next_cursor: str | None


class RowOut(Out):
    """One row's verdict, and where its payout stands."""

    row_no: int
    reward_id: str | None
    verdict: RequestVerdict
    code: str | None
    field: str | None
    message: str | None
    payout_id: UUID | None
    asset: str | None
    amount: str | None
    amount_minor: str | None
    state: str | None
    payout_code: str | None

    @classmethod
    def of(cls, core: Core, row: BatchRow) -> "RowOut":
        """A row as it goes out."""
        minor = row.amount_minor
        return cls(
            row_no=row.row_no,
            reward_id=row.reward_id,
            verdict=row.verdict,
            code=row.code,
            field=row.field,
            message=row.message,
            payout_id=row.payout_id,
            asset=row.asset,
            amount=decimal(core, minor, row.asset) if minor is not None and row.asset else None,
            amount_minor=None if minor is None else str(minor),
            state=row.state,
            payout_code=row.payout_code,
        )


class RowPage(Out):
    """Rows in the order of the file."""

    rows: list[RowOut]
    next_cursor: str | None
