"""P-65 to P-68: the provider's own list of what it paid for us."""

from datetime import timedelta

import pytest

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.order import Order
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.errors import RewardRailsError
from rewardrails.providers.base import NamesOnStatement, SupportsStatement
from rewardrails.testing.contract import wire
from rewardrails.testing.contract.base import ContractFixtures
from rewardrails.testing.contract.behaviour import behaviour
from rewardrails.testing.contract.case import Case, reference
from rewardrails.testing.contract.conditions import LISTS, OVER_A_WIRE

AROUND = timedelta(days=2)
MANY = 3
FAULTS = (*wire.SILENCE, *wire.DOUBTFUL_STATUSES, *wire.UNUSABLE, wire.answered(403), wire.answered(404))


class Statement(ContractFixtures):
    """`statement`."""

    @behaviour(65, "What was paid is on the list once, and is known again", applies=OVER_A_WIRE & LISTS)
    async def test_listed_once(self, case: Case) -> None:
        """Every accepted order is on the list of its time exactly once, with its amount in smallest units, under our key, under
        the reference that its answer gave, or under the name that `statement_names` tells. No two items have the same id.
        """
        orders = [case.order(case.subject.amount.amount_minor + place) for place in range(MANY)]
        names = [await case.accepted(order) for order in orders]
        listed = await _list(case)
        assert len({item.item_id for item in listed}) == len(listed), "two items have one id"
        for order, name in zip(orders, names, strict=True):
            (item,) = await _of(case, order, name, listed)
            assert item.amount == order.amount
            assert abs(item.at - clock.now()) < AROUND, "the item's time is not the one of its making"

    @behaviour(66, "The list tells how it ended", applies=OVER_A_WIRE & LISTS)
    async def test_listed_status(self, case: Case) -> None:
        """What is paid, pending or failed at the vendor is that on the list; a status that is documented nowhere is unknown."""
        for status in (ObservedStatus.PENDING, ObservedStatus.PAID, ObservedStatus.FAILED):
            order = case.order()
            name = await case.accepted(order)
            await case.vendor.move(order.rail_key, status)
            for item in await _of(case, order, name, await _list(case)):
                assert item.status is status, f"{item.provider_status!r} is told as {item.status}"

    @behaviour(67, "A list that cannot be had whole is refused", applies=OVER_A_WIRE & LISTS)
    async def test_broken_list(self, case: Case) -> None:
        """No connection, silence, 4xx, 5xx or garbage raises one of our errors. An empty or half a list would say of the rest
        that it was never paid.
        """
        await case.accepted(case.order())
        for fault in wire.other_than(FAULTS, case.subject.empty_list):
            with case.wire.everything_meets(fault), pytest.raises(RewardRailsError):
                await _list(case)

    @behaviour(68, "Reading the list moves nothing", applies=OVER_A_WIRE & LISTS)
    async def test_reading_is_harmless(self, case: Case) -> None:
        """However often it is read, no payout is made, and a time in which nothing was paid is an empty list."""
        order = case.order()
        await case.accepted(order)
        for _ in range(MANY):
            await _list(case)
        long_ago = clock.now() - 10 * AROUND
        assert await _list(case, Window(start=long_ago, end=long_ago + AROUND)) == []
        assert len(case.wire.creations) == 1
        assert len(await case.journal(order)) == 1


async def _list(case: Case, window: Window | None = None) -> list[StatementItem]:
    assert isinstance(case.provider, SupportsStatement)
    now = clock.now()
    asked = window or Window(start=now - AROUND, end=now + AROUND)
    return [item async for page in case.provider.statement(asked) for item in page]


async def _of(case: Case, order: Order, name: str, listed: list[StatementItem]) -> list[StatementItem]:
    """The items that the engine would know for this order's."""
    named = [order.rail_key]
    if isinstance(case.provider, NamesOnStatement):
        named += await case.provider.statement_names([reference(order, name)])
    return [
        item
        for item in listed
        if item.reference in named or (name and (item.provider_reference or item.item_id) == name)
    ]
