"""Approval by people over the wire."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from rewardrails.api.schemas.common import Decimal, In, Name, Out, decimal
from rewardrails.domain.assets import MAX_DIGITS
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.policy.verdict import Judgement
from rewardrails.engine.approve import APPROVE_AT_ONCE, Waiting
from rewardrails.engine.core import Core
from rewardrails.engine.gates import holds
from rewardrails.errors import FieldInvalid

MinorUnits = Annotated[str, Meta(max_length=MAX_DIGITS, description="Smallest units: digits only.", examples=["1250"])]


Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="A digest as it was shown: 64 hexadecimal digits.")]


class SeenPayoutIn(In):
    """A payout as the approver saw it: `approval_digest` as `GET /v1/payouts/{payout_id}` showed it."""

    payout_id: UUID
    approval_digest: Digest


class ApprovalIn(In):
    """The payouts somebody signs off: all of them or, where one cannot be or is not what they saw, none."""

    payouts: Annotated[list[SeenPayoutIn], Meta(min_length=1, max_length=APPROVE_AT_ONCE)]

    def read(self) -> dict[UUID, str]:
        """What the engine compares."""
        return {one.payout_id: one.approval_digest for one in self.payouts}


class WaitingOut(Out):
    """What waits for approval out of one pool, over one provider; `digest` stands for each single payout of a batch.

    `provider_float_minor` is what the provider has left of the asset, null where that is not kept or not known.
    """

    pool: str
    asset: str
    provider: str | None
    payouts: int
    amount: str | None
    amount_minor: str
    pool_reserved_minor: str
    provider_float_minor: str | None
    digest: str | None

    @classmethod
    def of(cls, core: Core, found: Waiting) -> "WaitingOut":
        """A total as it goes out."""
        return cls(
            pool=found.pool,
            asset=found.asset,
            provider=found.provider,
            payouts=found.payouts,
            amount=decimal(core, found.amount_minor, found.asset),
            amount_minor=str(found.amount_minor),
            pool_reserved_minor=str(found.pool_reserved_minor),
            provider_float_minor=None if found.provider_float_minor is None else str(found.provider_float_minor),
            digest=found.digest,
        )


class WaitingTotals(Out):
    """Totals of what waits, by pool."""

    waiting: list[WaitingOut]


class SeenIn(In):
    """A total as it was shown. What the pool and the provider hold may have changed meanwhile and is not compared."""

    pool: Name
    asset: Name
    provider: Name | None
    digest: Digest
    payouts: Annotated[int, Meta(ge=1, le=2**53)]
    amount_minor: MinorUnits
    amount: Decimal | None = None
    pool_reserved_minor: MinorUnits | None = None
    provider_float_minor: Annotated[str, Meta(pattern="^-?[0-9]{1,38}$")] | None = None


class BatchApprovalIn(In):
    """What the approver has seen: the totals of the batch as `GET /v1/approvals?batch_id=` showed them."""

    seen: Annotated[list[SeenIn], Meta(min_length=1, max_length=1000)]

    def read(self, core: Core) -> list[Waiting]:
        """What the engine compares. Raises `FieldInvalid`."""
        return [_waiting(core, one, f"seen[{at}]") for at, one in enumerate(self.seen)]


class StandOut(Out):
    """Where a payout stands after a signature: `ready`, or still waiting or held for the reason given."""

    payout_id: UUID
    state: PayoutState
    why: str


class ApprovalAnswer(Out):
    """How each payout stands now."""

    payouts: list[StandOut]

    @classmethod
    def of(cls, stands: Mapping[UUID, Judgement]) -> "ApprovalAnswer":
        """What the signatures came to as it goes out."""
        return cls(payouts=[_stand(payout_id, judgement) for payout_id, judgement in sorted(stands.items())])


class BatchApprovalAnswer(Out):
    """How many payouts were signed off, and what still waits."""

    batch_id: UUID
    approved: int
    waiting: list[WaitingOut]

    @classmethod
    def of(cls, core: Core, batch_id: UUID, approved: int, waiting: Sequence[Waiting]) -> "BatchApprovalAnswer":
        """What approving a batch came to as it goes out."""
        return cls(batch_id=batch_id, approved=approved, waiting=[WaitingOut.of(core, one) for one in waiting])


def _waiting(core: Core, one: SeenIn, where: str) -> Waiting:
    minor = _minor(one.amount_minor, f"{where}.amount_minor")
    if one.amount is not None and one.amount != decimal(core, minor, one.asset):
        raise FieldInvalid(f"{where}.amount: it is not what amount_minor says", field=f"{where}.amount")
    return Waiting(
        pool=one.pool,
        asset=one.asset,
        provider=one.provider,
        digest=one.digest,
        payouts=one.payouts,
        amount_minor=minor,
        pool_reserved_minor=_minor(one.pool_reserved_minor or "0", f"{where}.pool_reserved_minor"),
    )


def _minor(text: str, field: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise FieldInvalid(f"{field}: write digits only", field=field)
    return int(text)


def _stand(payout_id: UUID, judgement: Judgement) -> StandOut:
    stop = holds.first_stop(judgement)
    return StandOut(payout_id=payout_id, state=holds.state_of(judgement), why=stop.why if stop else "")
