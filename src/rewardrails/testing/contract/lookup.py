"""P-33 to P-38: asking."""

from datetime import timedelta

from rewardrails.domain.observation import Absent, CannotTell, Found, ObservedStatus
from rewardrails.errors import ErrorCode
from rewardrails.providers.capabilities import Capabilities, Lookup, ProviderEnvironment
from rewardrails.testing.contract import wire
from rewardrails.testing.contract.base import ContractFixtures
from rewardrails.testing.contract.behaviour import behaviour
from rewardrails.testing.contract.case import Case
from rewardrails.testing.contract.conditions import LOOKS_UP, OVER_A_WIRE

FAULTS = (
    *wire.NEVER_SENT,
    *wire.SILENCE,
    *wire.UNUSABLE,
    *(wire.answered(status) for status in (400, 401, 403, 404, 408, 409, 410, 422, 429, 500, 502, 503)),
)
ASKED = 5


class LookUps(ContractFixtures):
    """`sync`."""

    @behaviour(33, "A look-up tells the provider's truth", applies=OVER_A_WIRE & LOOKS_UP)
    async def test_statuses_are_told(self, case: Case) -> None:
        """Whatever became of a payout at the provider is told as such: pending, paid, failed with a stable code, canceled
        where the rail can cancel, returned where money can come back.
        """
        for status in _statuses(case.provider.capabilities):
            order = case.order()
            name = await case.accepted(order)
            await case.vendor.move(order.rail_key, status)
            await case.settle_lookup()
            seen = await case.sync(order, name)
            assert isinstance(seen, Found), f"{status}: {seen!r}"
            assert seen.observation.status is status, f"{status} is told as {seen.observation.status}"
            if status is ObservedStatus.FAILED:
                assert isinstance(seen.observation.code, ErrorCode), "failed, and no stable code says why"

    @behaviour(34, "A status nobody has heard of is unknown", applies=OVER_A_WIRE & LOOKS_UP)
    async def test_strange_status_is_unknown(self, case: Case) -> None:
        """A status that the vendor does not document is neither paid nor failed."""
        order = case.order()
        name = await case.accepted(order)
        await case.vendor.move(order.rail_key, ObservedStatus.UNKNOWN)
        await case.settle_lookup()
        seen = await case.sync(order, name)
        told = seen.observation.status if isinstance(seen, Found) else ObservedStatus.UNKNOWN
        assert told is ObservedStatus.UNKNOWN, f"a status nobody has heard of is told as {told}"
        assert not isinstance(seen, Absent), "a payout with a strange status is called absent"

    @behaviour(35, "An observation says what it is about", applies=LOOKS_UP)
    async def test_observation_names_its_subject(self, case: Case) -> None:
        """It names our reference or the provider's, never somebody else's; amount, asset and destination, where repeated,
        are those of the order, and the environment is the configured one.
        """
        order = case.order()
        name = await case.accepted(order)
        await case.settle_lookup()
        seen = await case.sync(order, name)
        assert isinstance(seen, Found), f"an accepted payout: {seen!r}"
        observed = seen.observation
        assert observed.rail_key or observed.provider_reference, "the observation names nobody"
        assert observed.rail_key in {order.rail_key, ""}
        assert observed.provider_reference in {name, ""}
        assert observed.amount in {order.amount, None}
        assert observed.destination in {order.destination, None}
        is_live = case.subject.context.environment is ProviderEnvironment.LIVE
        assert observed.live in {is_live, None}, f"configured live={is_live}, told live={observed.live}"

    @behaviour(36, "Absence is claimed as declared", applies=OVER_A_WIRE)
    async def test_absence(self, case: Case) -> None:
        """An attempt that was never sent is `Absent` where look-ups are authoritative, `CannotTell` where the rail cannot be
        asked by our reference, and one of the two elsewhere.
        """
        can = case.provider.capabilities
        await case.settle_lookup()
        seen = await case.sync(case.order())
        if can.lookup is not Lookup.OUR_REFERENCE:
            assert isinstance(seen, CannotTell), f"lookup is {can.lookup}, and it answers {seen!r}"
        elif can.lookup_is_authoritative:
            assert isinstance(seen, Absent), f"declared authoritative, and it answers {seen!r}"
        else:
            assert isinstance(seen, Absent | CannotTell), f"never sent, and it answers {seen!r}"

    @behaviour(37, "A look-up that failed proves nothing", applies=OVER_A_WIRE)
    async def test_failed_lookup(self, case: Case) -> None:
        """No connection, silence, 4xx (404 too: a moved route is no absence), 5xx or garbage: `CannotTell`, by whichever name
        the payout was asked for. Nothing is raised.
        """
        order = case.order()
        name = await case.accepted(order)
        for fault in wire.other_than(FAULTS, case.subject.empty_list):
            for asked in (name, ""):
                with case.wire.everything_meets(fault):
                    seen = await case.sync(order, asked)
                assert isinstance(seen, CannotTell), f"{fault.name}: {type(seen).__name__}"

    @behaviour(38, "Asking changes nothing, and the declared lag is true", applies=OVER_A_WIRE & LOOKS_UP)
    async def test_asking_is_harmless(self, case: Case) -> None:
        """Look-ups make no payout. A rail that declares authority and no lag knows a payout at once."""
        order, can = case.order(), case.provider.capabilities
        name = await case.accepted(order)
        if can.lookup_is_authoritative and can.lookup_lag == timedelta(0):
            assert isinstance(await case.sync(order), Found), (
                "declared authoritative without lag, and not found at once"
            )
        for _ in range(ASKED):
            await case.sync(order, name)
            await case.sync(case.order())
        assert len(case.wire.creations) == 1
        assert len(await case.journal(order)) == 1


def _statuses(can: Capabilities) -> list[ObservedStatus]:
    always = [ObservedStatus.PENDING, ObservedStatus.PAID, ObservedStatus.FAILED]
    canceled = [ObservedStatus.CANCELED] if can.cancel_from else []
    returned = [ObservedStatus.RETURNED] if can.reversal_horizon > timedelta(0) else []
    return [*always, *canceled, *returned]
