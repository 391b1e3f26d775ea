"""P-09 to P-13: one order, sent once."""

import asyncio

from rewardrails import clock
from rewardrails.domain.money import Money
from rewardrails.domain.outcome import Accepted, OutcomeUnknown, Settled
from rewardrails.testing.contract import wire
from rewardrails.testing.contract.base import ContractFixtures
from rewardrails.testing.contract.behaviour import behaviour
from rewardrails.testing.contract.case import Case, assert_unknown
from rewardrails.testing.contract.conditions import OVER_A_WIRE
from rewardrails.testing.contract.double import Conduct
from rewardrails.testing.contract.quotes import amounts

HASTY_SECONDS = 0.4
MARGIN_SECONDS = 3.0
AT_ONCE = 8


class Creation(ContractFixtures):
    """`create_payout` on a good day, and its bounds on a bad one."""

    @behaviour(9, "What is taken has the provider's name")
    async def test_accepted_is_named(self, case: Case) -> None:
        """An ordinary order is `Accepted` or `Settled` with a provider reference; two orders have two references."""
        first, second = await case.accepted(case.order()), await case.accepted(case.order())
        assert first, "the provider reference is empty"
        assert first != second, "two payouts have one name"

    @behaviour(10, "The provider gets what was ordered", applies=OVER_A_WIRE)
    async def test_orders_arrive_unchanged(self, case: Case) -> None:
        """For amounts that binary fractions get wrong, the largest and the smallest, the provider's journal holds exactly the
        amount, the asset and the destination of the order, under the order's own key.
        """
        for minor in amounts(case):
            order = case.order(minor)
            await case.accepted(order)
            (taken,) = await case.journal(order)
            assert taken.amount == order.amount, f"ordered {order.amount}, taken {taken.amount}"
            assert taken.destination == order.destination, "taken for another destination than the one ordered"

    @behaviour(11, "One call makes at most one creating request", applies=OVER_A_WIRE)
    async def test_no_retries(self, case: Case) -> None:
        """An adapter never tries again by itself, however the first request ended: whether to try again is decided by the
        engine, which first writes it down.
        """
        for fault in (*wire.SILENCE, *wire.DOUBTFUL_STATUSES, *wire.NEVER_SENT, wire.answered(429, retry_after="0")):
            before = len(case.wire.creations)
            with case.wire.creations_meet(fault):
                await case.send(case.order())
            made = len(case.wire.creations) - before
            assert made <= 1, f"{made} creating requests in one call after {fault.name}"

    @behaviour(12, "A call ends in time", applies=OVER_A_WIRE)
    async def test_calls_end_in_time(self, case: Case) -> None:
        """The configured `call_timeout_seconds` bounds every request and becomes the declared `call_timeout`. A provider that
        takes the order and then stays silent beyond it leaves an unknown outcome, and one creation in its journal.
        """
        hasty, its_wire = case.another(call_timeout_seconds=HASTY_SECONDS)
        order = case.order()
        await case.vendor.behave(Conduct.ANSWER_LATE)
        began = clock.monotonic()
        async with asyncio.timeout(hasty.capabilities.call_timeout.total_seconds() + MARGIN_SECONDS):
            outcome = await case.send(order, hasty)
        assert clock.monotonic() - began <= HASTY_SECONDS + MARGIN_SECONDS
        assert_unknown(outcome, "an answer that came too late")
        assert len(await case.journal(order)) == 1
        limit = hasty.capabilities.call_timeout.total_seconds()
        assert limit == HASTY_SECONDS, f"configured were {HASTY_SECONDS} s, declared are {limit} s"
        assert all(sent.timeout_seconds <= limit for sent in its_wire.sent), "a request may take longer than its call"

    @behaviour(13, "Orders sent at once do not mix")
    async def test_concurrent_orders(self, case: Case) -> None:
        """As many orders at once as the adapter declares (eight at most here) are each taken once, under their own names."""
        count = min(AT_ONCE, case.provider.capabilities.max_in_flight)
        orders = [case.order(case.subject.amount.amount_minor + place) for place in range(count)]
        outcomes = await asyncio.gather(*(case.send(order) for order in orders))
        assert all(isinstance(outcome, Accepted | Settled) for outcome in outcomes), outcomes
        assert len({_name(outcome) for outcome in outcomes}) == count
        if case.given_vendor is not None:
            taken = [[item.amount for item in await case.journal(order)] for order in orders]
            expected: list[list[Money]] = [[order.amount] for order in orders]
            assert taken == expected


def _name(outcome: object) -> str:
    return outcome.provider_reference if isinstance(outcome, Accepted | Settled | OutcomeUnknown) else ""
