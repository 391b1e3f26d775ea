"""Each vendor's own list against what the engine paid over its double: matched, and whatever somebody else paid is found."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.reward import RewardRow
from rewardrails.domain.statement import FindingKind
from rewardrails.engine.core import Core
from rewardrails.engine.findings import list_findings
from rewardrails.engine.reconcile import Run, reconcile
from rewardrails.errors import ErrorCode, RewardRailsError
from tests.support.season import request, reward, send_all
from tests.vendors.exchange import stage as exchange
from tests.vendors.exchange.doubles import DOUBLES
from tests.vendors.paypal import test_life as paypal
from tests.vendors.tremendous import test_life as tremendous
from tests.vendors.wise import stage as wise

pytestmark = [pytest.mark.promise("G1")]
COUNT = 12
STEPS = 5


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """How one vendor's stage is opened, and what somebody else does there."""

    opened: Callable[[str], Any]
    taken: str
    made: Callable[[int], RewardRow] = lambda number: reward(number, memo=f"Player Number{number}")


VENDORS = {
    **{name: Vendor(opened=exchange.at(name), taken="taken", made=exchange.to_wallet) for name in DOUBLES},
    "paypal": Vendor(opened=paypal.opened, taken="taken"),
    "tremendous": Vendor(opened=tremendous.opened, taken="taken"),
    "wise": Vendor(opened=wise.opened, taken="transfers"),
}


@asynccontextmanager
async def paid(vendor: Vendor, dsn: str) -> AsyncIterator[tuple[Core, Any]]:
    """So many payouts, all of them taken by the vendor; what they were sent with lies in the past."""
    async with vendor.opened(dsn) as (core, double):
        await request(core, [vendor.made(number) for number in range(COUNT)])
        for _ in range(STEPS):
            await send_all(core)
            async with core.database.reading() as connection:
                await connection.execute("UPDATE payout SET due_at = rr_now() WHERE state = 'ready'")
        yield core, double


async def run(core: Core) -> Run:
    """Reconcile as of tomorrow: nothing that was sent is too young to be told."""
    async with core.database.reading() as connection:
        await connection.execute(
            "UPDATE attempt SET created_at = created_at - interval '7 hours', sent_at = sent_at - interval '7 hours',"
            " updated_at = updated_at - interval '7 hours'"
        )
    return await reconcile(core, "one", actor="test")


@pytest.mark.parametrize("name", VENDORS)
async def test_what_was_paid_is_known_again(name: str, database_dsn: str) -> None:
    async with paid(VENDORS[name], database_dsn) as (core, double):
        assert len(getattr(double, VENDORS[name].taken)) == COUNT

        found = await run(core)

        assert (found.items, found.matched, found.found) == (COUNT, COUNT, 0)


@pytest.mark.parametrize("name", VENDORS)
async def test_what_the_vendor_does_not_list_is_missing_there(name: str, database_dsn: str) -> None:
    async with paid(VENDORS[name], database_dsn) as (core, double):
        getattr(double, VENDORS[name].taken).pop()

        found = await run(core)

        assert (found.items, found.opened) == (COUNT - 1, 1)
        (finding,) = await list_findings(core)
        assert finding.kind is FindingKind.MISSING_THERE


@pytest.mark.parametrize("name", ["paypal", "tremendous"])
async def test_what_somebody_else_paid_is_found(name: str, database_dsn: str) -> None:
    async with paid(VENDORS[name], database_dsn) as (core, double):
        somebodys = double.taken[-1]
        somebodys.created_at = clock.now() - timedelta(hours=8)
        other = renamed(somebodys.body)
        double.taken.append(type(somebodys)(**(vars(somebodys) | {"number": 999, "body": other})))

        await run(core)

        assert [one.kind for one in await list_findings(core)] == [FindingKind.NOT_OURS]


def renamed(body: Any) -> Any:
    """The same order without a name of ours."""
    match body:
        case dict():
            names = ("external_id", "sender_batch_id", "sender_item_id")
            return {key: "somebody" if key in names else renamed(value) for key, value in body.items()}
        case list():
            return [renamed(value) for value in body]
        case _:
            return body


@pytest.mark.parametrize("name", DOUBLES)
async def test_what_somebody_withdrew_by_hand_is_found(name: str, database_dsn: str) -> None:
    async with paid(VENDORS[name], database_dsn) as (core, double):
        by_hand = vars(double.taken[-1]) | {"number": 999, "name": "", "created_at": clock.now() - timedelta(hours=8)}
        double.taken[-1].created_at = by_hand["created_at"]
        double.taken.append(type(double.taken[-1])(**by_hand))

        await run(core)

        assert [one.kind for one in await list_findings(core)] == [FindingKind.NOT_OURS]


async def test_wise_drafts_are_no_payments(database_dsn: str) -> None:
    async with paid(VENDORS["wise"], database_dsn) as (core, double):
        double.transfers[-1].created = clock.now() - timedelta(hours=8)
        draft = vars(double.transfers[-1]) | {"number": 1, "status": "incoming_payment_waiting"}
        double.transfers.append(
            type(double.transfers[-1])(**draft | {"body": draft["body"] | {"customerTransactionId": "x"}})
        )

        found = await run(core)

        assert (found.items, found.found) == (COUNT + 1, 0)


async def test_paypal_without_the_right_to_search_ends_the_run(database_dsn: str) -> None:
    async with paid(VENDORS["paypal"], database_dsn) as (core, double):
        double.lets_search = False

        with pytest.raises(RewardRailsError) as refused:
            await run(core)

        assert refused.value.code is ErrorCode.PROVIDER_AUTH_FAILED
        assert await list_findings(core) == []


async def test_a_state_that_the_vendor_tells_otherwise_is_found(database_dsn: str) -> None:
    async with paid(VENDORS["tremendous"], database_dsn) as (core, double):
        async with core.database.reading() as connection:
            keys = await connection.fetch("SELECT submission_key FROM attempt WHERE attempt_no = 1")
            await connection.execute("UPDATE attempt SET state = 'settled'")
        for taken in double.taken:
            taken.created_at -= timedelta(hours=8)
        await double.move(keys[0]["submission_key"], ObservedStatus.CANCELED)

        await run(core)

        assert [one.kind for one in await list_findings(core)] == [FindingKind.STATE_DIFFERS]
