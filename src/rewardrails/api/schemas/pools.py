"""Pools over the wire."""

from datetime import datetime
from uuid import UUID

from rewardrails.api.schemas.common import Amount, Decimal, In, Name, OptionalName, Out
from rewardrails.domain.assets import format_amount
from rewardrails.domain.posting import FundingSource, TransferKind
from rewardrails.ledger.posting import Pool, PoolMovement


class PoolIn(In):
    """A pool to open."""

    name: Name
    asset: Name


class MovementIn(In):
    """Money to put in or to give back, and whose it is."""

    source: FundingSource
    amount: Decimal
    reference: OptionalName = ""


class PoolOut(Out):
    """A pool: `funded = available + reserved + paid + fees + suspense`."""

    id: UUID
    name: str
    asset: str
    available: Amount
    reserved: Amount
    paid: Amount
    fees: Amount
    suspense: Amount
    funded: Amount
    created_at: datetime

    @classmethod
    def of(cls, pool: Pool) -> "PoolOut":
        """A pool as it goes out."""
        return cls(
            id=pool.id,
            name=pool.name,
            asset=pool.asset,
            available=_in(pool, pool.available),
            reserved=_in(pool, pool.reserved),
            paid=_in(pool, pool.paid),
            fees=_in(pool, pool.fees),
            suspense=_in(pool, pool.suspense),
            funded=_in(pool, pool.funded),
            created_at=pool.created_at,
        )


class PoolPage(Out):
    """Pools in the order they were created."""

    pools: list[PoolOut]
    next_cursor: str | None


class MovementOut(Out):
    """A funding or withdrawal as posted."""

    id: UUID
    pool_id: UUID
    kind: TransferKind
    source: FundingSource
    amount: str
    amount_minor: str
    reference: str

    @classmethod
    def of(cls, moved: PoolMovement, exponent: int) -> "MovementOut":
        """A movement as it goes out."""
        return cls(
            id=moved.id,
            pool_id=moved.pool_id,
            kind=moved.kind,
            source=moved.source,
            amount=format_amount(moved.amount_minor, exponent),
            amount_minor=str(moved.amount_minor),
            reference=moved.reference,
        )


def _in(pool: Pool, minor: int) -> Amount:
    return Amount(amount=format_amount(minor, pool.exponent), amount_minor=str(minor))
