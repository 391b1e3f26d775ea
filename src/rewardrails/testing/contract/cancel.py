"""P-39 to P-42: taking back."""

from rewardrails.domain.observation import Found, ObservedStatus
from rewardrails.domain.outcome import Canceled, CancelOutcome, NotCancelable, OutcomeUnknown
from rewardrails.providers.base import Reference, SupportsCancel
from rewardrails.providers.capabilities import Lookup
from rewardrails.testing.contract import wire
from rewardrails.testing.contract.base import ContractFixtures
from rewardrails.testing.contract.behaviour import behaviour
from rewardrails.testing.contract.case import Case, reference
from rewardrails.testing.contract.conditions import CANCELS, OVER_A_WIRE, PAID_IS_FINAL

DOUBTS = (*wire.SILENCE, *wire.DOUBTFUL_STATUSES, *wire.UNUSABLE)


class Cancel(ContractFixtures):
    """`cancel`."""

    @behaviour(39, "What is pending is canceled, at the provider", applies=OVER_A_WIRE & CANCELS)
    async def test_cancel_pending(self, case: Case) -> None:
        """`Canceled` for a pending payout, and the provider then says the same."""
        order = case.order()
        name = await case.accepted(order)
        assert isinstance(await _cancel(case, reference(order, name)), Canceled)
        if case.provider.capabilities.lookup is not Lookup.NONE:
            await case.settle_lookup()
            seen = await case.sync(order, name)
            assert isinstance(seen, Found)
            assert seen.observation.status is ObservedStatus.CANCELED

    @behaviour(40, "What is paid stays paid", applies=OVER_A_WIRE & CANCELS & PAID_IS_FINAL)
    async def test_cancel_paid(self, case: Case) -> None:
        """A paid payout is `NotCancelable`, or at worst unknown."""
        order = case.order()
        name = await case.accepted(order)
        await case.vendor.move(order.rail_key, ObservedStatus.PAID)
        outcome = await _cancel(case, reference(order, name))
        assert isinstance(outcome, NotCancelable | OutcomeUnknown), "a paid payout was called canceled"

    @behaviour(41, "A doubtful cancel is unknown", applies=OVER_A_WIRE & CANCELS)
    async def test_cancel_in_doubt(self, case: Case) -> None:
        """Silence, 5xx and garbage after the request left are unknown: the provider may have canceled. What never left
        canceled nothing.
        """
        for fault in DOUBTS:
            order = case.order()
            name = await case.accepted(order)
            with case.wire.everything_meets(fault):
                outcome = await _cancel(case, reference(order, name))
            assert isinstance(outcome, OutcomeUnknown), f"{fault.name}: {type(outcome).__name__}"
        for fault in wire.NEVER_SENT:
            order = case.order()
            name = await case.accepted(order)
            with case.wire.everything_meets(fault):
                outcome = await _cancel(case, reference(order, name))
            assert isinstance(outcome, NotCancelable | OutcomeUnknown), f"{fault.name}: called canceled"

    @behaviour(42, "What nobody has heard of is not canceled", applies=OVER_A_WIRE & CANCELS)
    async def test_cancel_unheard_of(self, case: Case) -> None:
        """Canceling an attempt that the provider does not know is never `Canceled`: the request may still be on its way."""
        outcome = await _cancel(case, reference(case.order()))
        assert isinstance(outcome, NotCancelable | OutcomeUnknown), "an attempt nobody has heard of was called canceled"


async def _cancel(case: Case, of: Reference) -> CancelOutcome:
    assert isinstance(case.provider, SupportsCancel)
    return await case.provider.cancel(of)
