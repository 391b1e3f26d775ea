"""P-60 to P-64: an instance from its making to its end."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from rewardrails.domain.observation import Found
from rewardrails.domain.outcome import Accepted, Settled
from rewardrails.providers.base import SupportsBalance, SupportsCancel
from rewardrails.testing.contract.base import ContractFixtures
from rewardrails.testing.contract.behaviour import behaviour
from rewardrails.testing.contract.case import Case, reference
from rewardrails.testing.contract.conditions import LOOKS_UP, OVER_A_WIRE, TELLS_ITS_BALANCE
from rewardrails.testing.contract.double import Conduct

PATIENCE_SECONDS = 5.0
ASK_AGAIN_SECONDS = 0.01
OTHER_TIMEOUT_SECONDS = 7.5


class DoorShut(Exception):
    """What a guard raises that lets nothing out."""


class Lifecycle(ContractFixtures):
    """Building, sharing, abandoning, closing."""

    @behaviour(60, "Building and closing send nothing")
    async def test_building_and_closing(self, case: Case) -> None:
        """A provider that is configured and not used sends nothing and starts nothing. Closing ends its connections, may be
        done twice, and leaves no task behind.
        """
        before = asyncio.all_tasks()
        unused, its_wire = case.another()
        await unused.close()
        assert its_wire.sent == []
        used, its_wire = case.another()
        await case.send(case.order(), used)
        await used.close()
        await used.close()
        assert not its_wire.is_open, "closing left connections open"
        left = asyncio.all_tasks() - before
        if left:  # those of a double in this process end with their connections
            _, left = await asyncio.wait(left, timeout=PATIENCE_SECONDS)
        assert not left, "closing left tasks running"

    @behaviour(61, "There is one way out, and it can be shut", applies=OVER_A_WIRE)
    async def test_no_other_way_out(self, case: Case) -> None:
        """Requests leave through the given HTTP client alone: while its guard says no (as it does inside a database
        transaction), no call reaches the provider.
        """
        shut, _ = case.another(guard=_shut)
        order = case.order()
        asked = reference(order, "ref-1")
        calls: list[Callable[[], Awaitable[object]]] = [lambda: case.send(order, shut), lambda: shut.sync(asked)]
        if isinstance(shut, SupportsCancel):
            calls.append(partial(shut.cancel, asked))
        if isinstance(shut, SupportsBalance):
            calls.append(shut.balance)
        for call in calls:
            with pytest.raises(DoorShut):
                await call()
        assert await case.journal(order) == []

    @behaviour(62, "Two instances share nothing")
    async def test_instances_are_independent(self, case: Case) -> None:
        """Another instance has its own name, figures and connections. What one sends the other does not, and closing one
        leaves the other at work.
        """
        mine = case.provider.capabilities
        other, its_wire = case.another(name="another", call_timeout_seconds=OTHER_TIMEOUT_SECONDS)
        assert (case.provider.name, other.name) == (case.subject.context.name, "another")
        assert case.provider.capabilities == mine, "making another instance changed the figures of this one"
        await case.accepted(case.order())
        assert its_wire.sent == []
        so_far = len(case.wire.sent)
        assert isinstance(await case.send(case.order(), other), Accepted | Settled)
        assert len(case.wire.sent) == so_far
        await other.close()
        await case.accepted(case.order())

    @behaviour(63, "A call that is abandoned leaves the adapter usable", applies=OVER_A_WIRE & LOOKS_UP)
    async def test_abandoned_call(self, case: Case) -> None:
        """Canceled in the middle of a request, `create_payout` lets the cancellation through; the next order is taken, and the
        abandoned one is known.
        """
        abandoned = case.order()
        await case.vendor.behave(Conduct.ANSWER_LATE)
        sending = asyncio.create_task(case.send(abandoned))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await case.wire.creating.wait()
            while not await case.journal(abandoned):  # noqa: ASYNC110 - a double may be another process
                await asyncio.sleep(ASK_AGAIN_SECONDS)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await case.vendor.behave(Conduct.ACCEPT)
        order = case.order()
        name = await case.accepted(order)
        await case.settle_lookup()
        assert isinstance(await case.sync(order, name), Found)
        assert len(await case.journal(abandoned)) == 1

    @behaviour(64, "A balance is exact", applies=TELLS_ITS_BALANCE)
    async def test_balance(self, case: Case) -> None:
        """Each asset once, of the configured ones, never negative."""
        assert isinstance(case.provider, SupportsBalance)
        held = await case.provider.balance()
        assets = [money.asset for money in held]
        assert len(assets) == len(set(assets)), f"an asset is told twice: {assets}"
        assert set(assets) <= set(case.subject.context.assets), f"assets that are not configured: {assets}"
        assert all(money.amount_minor >= 0 for money in held)


def _shut() -> None:
    raise DoorShut
