"""Calls to the fake provider over real sockets; truth is read from the process's own journal."""

from dataclasses import dataclass, replace

import pytest

from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, Found, ObservedStatus
from rewardrails.domain.outcome import (
    Accepted,
    OutcomeUnknown,
    Rejected,
    RejectionScope,
    Settled,
)
from rewardrails.errors import ErrorCode
from rewardrails.providers.fake.provider import FakeProvider
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from tests.support.fake_rail import Mailbox, accepted_of, connected, order, reference, until


async def test_a_payout_is_accepted_paid_and_told_by_webhook(
    process: FakeProviderProcess, rail: FakeProvider, mailbox: Mailbox
) -> None:
    sent = order()

    outcome = await rail.create_payout(sent)
    (seen,) = rail.receive(await mailbox.take())

    assert isinstance(outcome, Accepted)
    assert (seen.status, seen.rail_key, seen.provider_reference) == (
        ObservedStatus.PAID,
        sent.rail_key,
        outcome.provider_reference,
    )
    assert (seen.amount, seen.destination, seen.live) == (sent.amount, sent.destination, False)
    assert seen.event_key.startswith("evt_")
    totals = await process.control.totals()
    assert totals.standing_by_payout == {sent.ref.payout_id.hex: 1}
    assert totals.paid_minor_by_asset == {"USD": 1250}


async def test_a_payout_settled_at_once_is_settled(steady: FakeProviderProcess, steady_rail: FakeProvider) -> None:
    await steady.control.behave("settle")

    outcome = await steady_rail.create_payout(order(amount=Money(amount_minor=1_000_000_001, asset="TON")))

    assert isinstance(outcome, Settled)
    assert outcome.fee == Money(amount_minor=0, asset="TON")


@dataclass(frozen=True)
class Meaning:
    """What a vendor code of a refusal must come out as."""

    vendor_code: str
    code: ErrorCode
    retryable: bool = False
    scope: RejectionScope = RejectionScope.PAYOUT


@pytest.mark.parametrize(
    "meaning",
    [
        Meaning("destination_closed", ErrorCode.DESTINATION_INVALID),
        Meaning("recipient_action_required", ErrorCode.PLAYER_ACTION_REQUIRED),
        Meaning("amount_too_low", ErrorCode.AMOUNT_BELOW_MINIMUM),
        Meaning(
            "insufficient_float",
            ErrorCode.INSUFFICIENT_PROVIDER_FUNDS,
            retryable=True,
            scope=RejectionScope.PROVIDER,
        ),
        Meaning("rate_limited", ErrorCode.PROVIDER_RATE_LIMITED, retryable=True, scope=RejectionScope.PROVIDER),
    ],
    ids=lambda meaning: meaning.vendor_code,
)
async def test_documented_refusals_are_certain(
    steady: FakeProviderProcess, steady_rail: FakeProvider, meaning: Meaning
) -> None:
    await steady.control.behave("refuse", code=meaning.vendor_code)
    sent = order()

    outcome = await steady_rail.create_payout(sent)

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable, outcome.scope) == (meaning.code, meaning.retryable, meaning.scope)
    assert await accepted_of(steady, sent) == 0


async def test_429_says_how_long_to_wait(steady: FakeProviderProcess, steady_rail: FakeProvider) -> None:
    await steady.control.behave("rate_limit")

    outcome = await steady_rail.create_payout(order())

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retry_after_seconds) == (ErrorCode.PROVIDER_RATE_LIMITED, 1.0)


async def test_a_wrong_token_is_a_refusal_of_the_provider(process: FakeProviderProcess) -> None:
    (process.folder / "token").write_text("another")
    async with connected(process) as rail:
        outcome = await rail.create_payout(order())

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.scope) == (ErrorCode.PROVIDER_AUTH_FAILED, RejectionScope.PROVIDER)


async def test_a_dead_provider_is_a_certain_refusal(process: FakeProviderProcess, rail: FakeProvider) -> None:
    await process.kill()

    outcome = await rail.create_payout(order())

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable, outcome.scope) == (
        ErrorCode.PROVIDER_UNAVAILABLE,
        True,
        RejectionScope.PROVIDER,
    )


@pytest.mark.parametrize(
    ("behaviour", "accepted"),
    [
        ("lose_reply", 1),
        ("error_after", 1),
        ("garbage", 1),
        ("drip", 1),
        ("oversized", 1),
        ("truncated", 1),
        ("unknown_status", 1),
        ("error_before", 0),
        ("redirect", 0),
        ("hang", 0),
    ],
)
async def test_what_may_have_been_accepted_is_unknown(
    steady: FakeProviderProcess, hasty_rail: FakeProvider, behaviour: str, accepted: int
) -> None:
    await steady.control.behave(behaviour)
    sent = order()

    outcome = await hasty_rail.create_payout(sent)

    assert isinstance(outcome, OutcomeUnknown)
    assert await accepted_of(steady, sent) == accepted
    found = await hasty_rail.sync(reference(sent))
    assert isinstance(found, Found if accepted else Absent)


async def test_an_unlisted_refusal_is_unknown(steady: FakeProviderProcess, steady_rail: FakeProvider) -> None:
    await steady.control.behave("refuse", code="moon_phase")

    outcome = await steady_rail.create_payout(order())

    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.evidence.provider_code == "moon_phase"


async def test_an_acceptance_after_the_timeout_counts(steady: FakeProviderProcess, hasty_rail: FakeProvider) -> None:
    await steady.control.behave("accept_late")
    sent = order()

    outcome = await hasty_rail.create_payout(sent)
    first_look = await hasty_rail.sync(reference(sent))

    async def accepted() -> bool:
        return await accepted_of(steady, sent) == 1

    assert isinstance(outcome, OutcomeUnknown)
    assert isinstance(first_look, Absent)
    await until(accepted)
    assert isinstance(await hasty_rail.sync(reference(sent)), Found)


async def test_the_same_order_again_is_the_same_payout(steady: FakeProviderProcess, steady_rail: FakeProvider) -> None:
    await steady.control.behave("lose_reply", times=1)
    sent = order()

    lost = await steady_rail.create_payout(sent)
    again = await steady_rail.create_payout(sent)

    assert isinstance(lost, OutcomeUnknown)
    assert isinstance(again, Accepted | Settled)
    assert await accepted_of(steady, sent) == 1


async def test_a_key_with_other_content_is_never_a_refusal(
    steady: FakeProviderProcess, steady_rail: FakeProvider
) -> None:
    sent = order()
    await steady_rail.create_payout(sent)

    outcome = await steady_rail.create_payout(replace(sent, amount=Money(amount_minor=1, asset="USD")))

    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.code is ErrorCode.DUPLICATE_CONFLICT
    assert await accepted_of(steady, sent) == 1


async def test_truth_survives_a_kill(process: FakeProviderProcess, rail: FakeProvider, mailbox: Mailbox) -> None:
    await process.control.hold_webhooks()
    sent = order()
    outcome = await rail.create_payout(sent)

    await process.restart()
    (seen,) = rail.receive(await mailbox.take())
    again = await rail.create_payout(sent)

    assert isinstance(outcome, Accepted)
    assert isinstance(again, Settled | Accepted)
    assert again.provider_reference == seen.provider_reference == outcome.provider_reference
    assert (await process.control.totals()).accepted == 1


async def test_a_torn_last_line_is_cut_off(process: FakeProviderProcess, rail: FakeProvider) -> None:
    sent = order()
    await rail.create_payout(sent)
    await process.kill()
    with process.journal.open("ab") as journal:
        journal.write(b'{"record":"acce')

    await process.start()

    assert isinstance(await rail.sync(reference(sent)), Found)
