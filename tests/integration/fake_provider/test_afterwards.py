"""What follows a call: webhooks, reversals, cancels, outages, profiles; truth is read from the process's own journal."""

from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, CannotTell, Found, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.outcome import (
    Accepted,
    Canceled,
    NotCancelable,
    OutcomeUnknown,
    Rejected,
    Settled,
)
from rewardrails.errors import ErrorCode
from rewardrails.providers.fake.provider import FakeProvider
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from tests.support.fake_rail import Mailbox, connected, order, reference, running, until


async def test_webhooks_are_repeated_until_taken(rail: FakeProvider, mailbox: Mailbox) -> None:
    mailbox.answers = [500, 503]

    await rail.create_payout(order())
    seen = [rail.receive(await mailbox.take())[0] for _ in range(3)]

    assert len({item.event_key for item in seen}) == 1


async def test_a_duplicate_webhook_has_the_same_event_key(
    process: FakeProviderProcess, rail: FakeProvider, mailbox: Mailbox
) -> None:
    await process.control.behave("duplicate_webhook")

    await rail.create_payout(order())
    first, second = rail.receive(await mailbox.take())[0], rail.receive(await mailbox.take())[0]

    assert first.event_key == second.event_key


async def test_webhooks_may_come_out_of_order(
    process: FakeProviderProcess, rail: FakeProvider, mailbox: Mailbox
) -> None:
    await process.control.behave("out_of_order")

    await rail.create_payout(order())
    seen = [rail.receive(await mailbox.take())[0].status for _ in range(2)]

    assert seen == [ObservedStatus.PAID, ObservedStatus.PENDING]


async def test_webhooks_about_something_else_say_so(
    process: FakeProviderProcess, rail: FakeProvider, mailbox: Mailbox
) -> None:
    await process.control.behave("wrong_amount", times=1)
    await process.control.behave("other_payout", times=1)
    other, wrong = order(), order()

    await rail.create_payout(other)
    (about_other,) = rail.receive(await mailbox.take())
    await rail.create_payout(wrong)
    (about_wrong,) = rail.receive(await mailbox.take())

    assert about_other.rail_key != other.rail_key
    assert AttemptRef.parse(about_other.rail_key) is not None
    assert about_wrong.rail_key == wrong.rail_key
    assert about_wrong.amount == Money(amount_minor=1251, asset="USD")


async def test_a_payout_without_a_webhook_is_found_by_asking(
    steady: FakeProviderProcess, steady_rail: FakeProvider
) -> None:
    await steady.control.behave("never_notify")
    sent = order()
    outcome = await steady_rail.create_payout(sent)
    assert isinstance(outcome, Accepted)

    async def paid() -> bool:
        found = await steady_rail.sync(reference(sent, outcome.provider_reference))
        return isinstance(found, Found) and found.observation.status is ObservedStatus.PAID

    await until(paid)


async def test_a_failure_after_acceptance_carries_its_code(
    process: FakeProviderProcess, rail: FakeProvider, mailbox: Mailbox
) -> None:
    await process.control.behave("fail", code="compliance_declined")

    await rail.create_payout(order())
    (seen,) = rail.receive(await mailbox.take())

    assert (seen.status, seen.code) == (ObservedStatus.FAILED, ErrorCode.PROVIDER_REJECTED)
    assert (await process.control.totals()).standing_by_payout == {}


async def test_money_may_come_back_by_plan_and_by_command(
    process: FakeProviderProcess, rail: FakeProvider, mailbox: Mailbox
) -> None:
    await process.control.behave("late_return", times=1)
    await rail.create_payout(order())
    planned = [rail.receive(await mailbox.take())[0].status for _ in range(2)]
    commanded = order()
    await rail.create_payout(commanded)
    await mailbox.take()

    await process.control.send_back(commanded.rail_key)
    (seen,) = rail.receive(await mailbox.take())

    assert planned == [ObservedStatus.PAID, ObservedStatus.RETURNED]
    assert (seen.status, seen.code) == (ObservedStatus.RETURNED, ErrorCode.RETURNED)
    assert (await process.control.totals()).standing_minor_by_asset == {}


async def test_cancel_stops_what_is_processing_and_nothing_else(
    steady: FakeProviderProcess, steady_rail: FakeProvider
) -> None:
    await steady.control.behave("stuck", times=1)
    stuck, settled = order(), order()
    await steady_rail.create_payout(stuck)
    await steady.control.behave("settle")
    paid = await steady_rail.create_payout(settled)
    assert isinstance(paid, Settled)

    assert isinstance(await steady_rail.cancel(reference(stuck)), Canceled)
    assert isinstance(await steady_rail.cancel(reference(settled, paid.provider_reference)), NotCancelable)
    standing = (await steady.control.totals()).standing_by_payout
    assert stuck.ref.payout_id.hex not in standing
    assert standing[settled.ref.payout_id.hex] == 1


async def test_cancel_of_what_cannot_be_found_proves_nothing(steady_rail: FakeProvider) -> None:
    assert isinstance(await steady_rail.cancel(reference(order())), OutcomeUnknown)


async def test_cancel_of_an_unreachable_provider_changed_nothing(
    process: FakeProviderProcess, rail: FakeProvider
) -> None:
    await process.kill()

    outcome = await rail.cancel(reference(order(), "po_1"))

    assert isinstance(outcome, NotCancelable)
    assert outcome.code is ErrorCode.PROVIDER_UNAVAILABLE


@pytest.mark.parametrize("mode", ["unavailable", "hang"])
async def test_an_outage_leaves_creations_unknown_and_questions_open(
    steady: FakeProviderProcess, hasty_rail: FakeProvider, mode: str
) -> None:
    await steady.control.outage(mode)
    sent = order()

    outcome, found = await hasty_rail.create_payout(sent), await hasty_rail.sync(reference(sent))

    assert isinstance(outcome, OutcomeUnknown)
    assert found == CannotTell(code=ErrorCode.PROVIDER_UNAVAILABLE, evidence=found.evidence)
    await steady.control.outage("off")
    assert isinstance(await hasty_rail.create_payout(sent), Accepted)


async def test_a_disguised_payout_shows_what_it_is_told_to(
    steady: FakeProviderProcess, steady_rail: FakeProvider
) -> None:
    sent = order()
    await steady_rail.create_payout(sent)

    await steady.control.disguise(sent.rail_key, amount="99.00", status="paid")
    found = await steady_rail.sync(reference(sent))

    assert isinstance(found, Found)
    assert found.observation.amount == Money(amount_minor=9900, asset="USD")


async def test_the_float_limits_what_leaves(process: FakeProviderProcess, rail: FakeProvider) -> None:
    await process.control.set_float("USD", "20.00")

    first, second = await rail.create_payout(order()), await rail.create_payout(order())

    assert isinstance(first, Accepted)
    assert isinstance(second, Rejected)
    assert second.code is ErrorCode.INSUFFICIENT_PROVIDER_FUNDS
    assert Money(amount_minor=750, asset="USD") in await rail.balance()


async def test_fees_are_charged_on_top(tmp_path: Path) -> None:
    arguments = ("--fixed-fees", "USD=25", "--fee-basis-points", "100", "--mix", "settle=1")
    async with running(tmp_path, *arguments) as process, connected(process) as rail:
        outcome = await rail.create_payout(order())

    assert isinstance(outcome, Settled)
    assert outcome.fee == Money(amount_minor=38, asset="USD")


async def test_a_profile_without_dedupe_pays_twice_and_lookup_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, "--profile", "dedupe-none") as process, connected(process) as rail:
        sent = order()
        await rail.create_payout(sent)
        await rail.create_payout(sent)
        found = await rail.sync(reference(sent))

        assert (await process.control.totals()).standing_by_payout == {sent.ref.payout_id.hex: 2}
    assert isinstance(found, Found)
    assert (found.observation.status, found.observation.code) == (
        ObservedStatus.UNKNOWN,
        ErrorCode.DUPLICATE_CONFLICT,
    )


async def test_a_window_forgets_keys(tmp_path: Path) -> None:
    async with running(tmp_path, "--profile", "window-expires") as process, connected(process) as rail:
        sent = order()
        await rail.create_payout(sent)
        await rail.create_payout(sent)
        within = (await process.control.totals()).accepted

        async def paid_twice() -> bool:
            await rail.create_payout(sent)
            return (await process.control.totals()).accepted == 2

        await until(paid_twice)

    assert within == 1


@pytest.mark.parametrize(("profile", "second"), [("default", Accepted), ("replays-errors", Rejected)])
async def test_errors_are_replayed_only_where_promised(tmp_path: Path, profile: str, second: type) -> None:
    async with running(tmp_path, "--profile", profile) as process, connected(process) as rail:
        await process.control.behave("refuse", code="destination_closed", times=1)
        sent = order()

        first, again = await rail.create_payout(sent), await rail.create_payout(sent)

    assert isinstance(first, Rejected)
    assert isinstance(again, second)


@pytest.mark.promise("G1")
@pytest.mark.incident("I26")
async def test_a_late_lookup_does_not_know_yet(tmp_path: Path) -> None:
    arguments = ("--profile", "lookup-late", "--lookup-lag-seconds", "1")
    async with running(tmp_path, *arguments) as process, connected(process) as rail:
        sent = order()
        await rail.create_payout(sent)
        early = await rail.sync(reference(sent))

        async def known() -> bool:
            return isinstance(await rail.sync(reference(sent)), Found)

        await until(known)

    assert isinstance(early, Absent)


@pytest.mark.promise("G1")
@pytest.mark.incident("I1")
async def test_a_profile_without_lookup_never_proves_absence(tmp_path: Path) -> None:
    async with running(tmp_path, "--profile", "lookup-absent") as process, connected(process) as rail:
        sent = order()
        outcome = await rail.create_payout(sent)
        assert isinstance(outcome, Accepted)

        assert isinstance(await rail.sync(reference(sent)), CannotTell)
        assert isinstance(await rail.sync(reference(sent, outcome.provider_reference)), Found)
    async with running(tmp_path / "2") as process, connected(process, lookup="none") as rail:
        assert isinstance(await rail.sync(reference(order())), CannotTell)


@pytest.mark.promise("G1")
@pytest.mark.incident("I14")
@pytest.mark.parametrize(
    ("profile", "expected", "accepted"),
    [("batch-not-atomic", ["payout", "error"], 1), ("default", ["error", "error"], 0)],
)
async def test_batches_are_atomic_where_promised_and_replayed(
    tmp_path: Path, profile: str, expected: list[str], accepted: int
) -> None:
    async with running(tmp_path, "--profile", profile) as process:
        await process.control.behave("refuse", reference="b-*")
        body = {"payouts": [payout_body("a-1"), payout_body("b-1")]}
        headers = {"Authorization": f"Bearer {process.token}", "Idempotency-Key": "batch-1"}
        async with aiohttp.ClientSession(headers=headers) as session:
            answers = []
            for _ in range(2):
                async with session.post(f"{process.url}/v1/batches", json=body) as reply:
                    answers.append(await reply.json())

        assert (await process.control.totals()).accepted == accepted
    kinds = [
        [next(name for name in ("payout", "error") if item[name]) for item in answer["items"]] for answer in answers
    ]
    assert kinds == [expected, expected]


async def test_the_mix_is_decided_by_seed_and_payout(tmp_path: Path) -> None:
    """Two runs with one seed agree payout by payout, and what passed once does not trouble a payout again."""
    arguments = ("--mix", "settle=2,refuse:amount_too_low=1,rate_limit=1,lose_reply=1", "--seed", "7")
    sent = [order(UUID(int=number)) for number in range(40)]
    runs = []
    for run in ("first", "second"):
        async with running(tmp_path / run, *arguments) as process, connected(process) as rail:
            runs.append([type(await rail.create_payout(one)) for one in sent])
            again = [await rail.create_payout(order(one.ref.payout_id, attempt_no=2)) for one in sent]

    assert runs[0] == runs[1]
    assert set(runs[0]) == {Settled, Rejected, OutcomeUnknown}
    refusals = [outcome.code for outcome in again if isinstance(outcome, Rejected)]
    assert set(refusals) == {ErrorCode.AMOUNT_BELOW_MINIMUM}


async def test_the_control_api_has_its_own_token(steady: FakeProviderProcess) -> None:
    headers = {"Authorization": f"Bearer {steady.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{steady.url}/_control/totals") as reply,
    ):
        assert reply.status == 401


async def test_it_describes_itself_in_openapi(steady: FakeProviderProcess) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{steady.url}/openapi.json") as reply:
        document = await reply.json()

    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) >= {"/v1/payouts", "/v1/payouts/{id}", "/v1/payouts/{id}/cancel", "/v1/balance"}


def payout_body(reference: str) -> dict[str, object]:
    destination = {"kind": "iban", "value": "DE89370400440532013000"}
    return {"reference": reference, "amount": "1.00", "asset": "USD", "destination": destination}
