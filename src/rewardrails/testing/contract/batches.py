"""P-43 to P-46: many orders in one call."""

from collections.abc import Sequence

from rewardrails.domain.order import Order
from rewardrails.domain.outcome import Accepted, CreateOutcome, Rejected, Settled
from rewardrails.providers.base import SupportsBatch
from rewardrails.testing.contract import wire
from rewardrails.testing.contract.base import ContractFixtures
from rewardrails.testing.contract.behaviour import behaviour
from rewardrails.testing.contract.case import Case, assert_unknown
from rewardrails.testing.contract.conditions import BATCHES, DEDUPLICATES, OVER_A_WIRE
from rewardrails.testing.contract.double import Conduct

MEMBERS = 5
ODD_ONE = 1


class Batches(ContractFixtures):
    """`create_payouts`."""

    @behaviour(43, "One result per order, in their order", applies=OVER_A_WIRE & BATCHES)
    async def test_batch_results(self, case: Case) -> None:
        """As many results as orders, in the same order, each named after its own payout; each order is one creation."""
        orders = _orders(case)
        outcomes = await _send(case, orders)
        assert len(outcomes) == len(orders)
        assert all(isinstance(outcome, Accepted | Settled) for outcome in outcomes), outcomes
        for order in orders:
            assert [taken.amount for taken in await case.journal(order)] == [order.amount]
        for order, outcome in zip(orders, outcomes, strict=True):
            assert isinstance(outcome, Accepted | Settled)
            assert await case.accepted(order) == outcome.provider_reference, (
                "results are not in the order of the orders"
            )

    @behaviour(44, "A refused member is alone, or takes all with it, as declared", applies=OVER_A_WIRE & BATCHES)
    async def test_batch_refusal(self, case: Case) -> None:
        """With one member refused, the others are taken where `batch_is_atomic` is false, and nothing is taken where it is
        true.
        """
        orders = _orders(case)
        await case.vendor.behave(Conduct.REFUSE, rail_key=orders[ODD_ONE].rail_key)
        outcomes = await _send(case, orders)
        assert len(outcomes) == len(orders)
        atomic = case.provider.capabilities.batch_is_atomic
        for place, (order, outcome) in enumerate(zip(orders, outcomes, strict=True)):
            taken = 0 if atomic or place == ODD_ONE else 1
            assert len(await case.journal(order)) == taken, f"{atomic=}, member {place}"
            assert isinstance(outcome, Accepted | Settled if taken else Rejected), f"member {place}: {outcome!r}"

    @behaviour(45, "A batch sent again pays nobody twice", applies=OVER_A_WIRE & BATCHES & DEDUPLICATES)
    async def test_batch_again(self, case: Case) -> None:
        """The same orders in the same batch, again, are one creation each."""
        orders = _orders(case)
        for _ in range(2):
            await _send(case, orders)
        for order in orders:
            assert len(await case.journal(order)) == 1

    @behaviour(46, "A doubtful batch is unknown for each of its members", applies=OVER_A_WIRE & BATCHES)
    async def test_batch_in_doubt(self, case: Case) -> None:
        """Silence, 5xx and garbage leave every member unknown."""
        for fault in (*wire.SILENCE, *wire.DOUBTFUL_STATUSES, *wire.UNUSABLE):
            orders = _orders(case)
            with case.wire.creations_meet(fault):
                outcomes = await _send(case, orders)
            assert len(outcomes) == len(orders), fault.name
            for outcome in outcomes:
                assert_unknown(outcome, fault.name)


def _orders(case: Case) -> list[Order]:
    count = min(MEMBERS, case.provider.capabilities.batch_limit)
    return [case.order(case.subject.amount.amount_minor + place) for place in range(count)]


async def _send(case: Case, orders: Sequence[Order]) -> Sequence[CreateOutcome]:
    assert isinstance(case.provider, SupportsBatch)
    return await case.provider.create_payouts(orders)
