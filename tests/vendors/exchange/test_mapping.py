"""What exchanges say, in our words: amounts to the last digit, refusals with what to fix, and unknown for everything else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from aiohttp import web

from rewardrails import clock, ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, CannotTell, Found, ObservedStatus
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import Accepted, OutcomeUnknown, Rejected, RejectionScope
from rewardrails.domain.quote import QuoteRequest
from rewardrails.domain.statement import Window
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import Dedupe, Lookup
from rewardrails.providers.exchange import history
from rewardrails.providers.exchange.figures import EXCHANGES
from rewardrails.providers.exchange.provider import ExchangeProvider
from rewardrails.testing.contract import Conduct
from tests.vendors.exchange.account import context_at
from tests.vendors.exchange.book import KIND, ExchangeDouble
from tests.vendors.exchange.doubles import DOUBLES

pytestmark = [pytest.mark.promise("G1", "G4")]
WALLET = "UQCanary2718281828459045235360287471352662497757"
At = tuple[str, ExchangeDouble, ExchangeProvider]


@pytest.fixture(params=DOUBLES)
async def at(request: pytest.FixtureRequest) -> AsyncIterator[At]:
    async with DOUBLES[request.param]() as double:
        provider = ExchangeProvider(context_at(request.param, double, terms_seconds=0.0))
        yield request.param, double, provider
        await provider.close()


def order(amount_minor: int = 5_100_000_001, asset: str = "TON", *, ceiling: int = 10**9, memo: str = "") -> Order:
    return Order(
        ref=AttemptRef(payout_id=ids.new_id(), attempt_no=1),
        amount=Money(amount_minor=amount_minor, asset=asset),
        destination=Destination(kind=KIND, value=WALLET, memo=memo),
        player_id="p",
        campaign="c",
        jurisdiction="DE",
        fee_ceiling=Money(amount_minor=ceiling, asset=asset),
    )


def reference(of: Order, name: str = "") -> Reference:
    return Reference(ref=of.ref, provider_reference=name, amount=of.amount)


def asked(amount_minor: int, asset: str = "TON") -> QuoteRequest:
    return QuoteRequest(
        amount=Money(amount_minor=amount_minor, asset=asset),
        destination=Destination(kind=KIND, value=WALLET),
        player_id="p",
        jurisdiction="DE",
    )


@pytest.mark.parametrize(
    ("asset", "minor", "whole"),
    [("TON", 123_456_789_012_345_678, "123456789.012345678"), ("USDT", 1, "0.000001"), ("EUR", 1_010, "10.1")],
)
async def test_what_arrives_is_the_amount_whoever_bears_the_fee(at: At, asset: str, minor: int, whole: str) -> None:
    _, double, provider = at

    assert isinstance(await provider.create_payout(order(minor, asset)), Accepted)

    assert double.taken[0].amount == Decimal(whole)
    assert double.taken[0].coin == {"EUR": "EURI"}.get(asset, asset)


async def test_a_quote_is_the_exchange_s_fee_of_now(at: At) -> None:
    _, double, provider = at
    first = await provider.quote(asked(10**9))
    double.fees["TON"] = Decimal("0.030000000001")
    second = await provider.quote(asked(10**9))

    assert [first.fee.amount_minor, second.fee.amount_minor] == [20_000_000, 30_000_001]
    assert (first.amount.amount_minor, double.taken) == (10**9, [])


async def test_a_fee_over_the_ceiling_is_paid_by_nobody(at: At) -> None:
    _, double, provider = at
    double.fees["TON"] = Decimal("0.06")

    outcome = await provider.create_payout(order(ceiling=59_999_999))
    with pytest.raises(RewardRailsError, match=r"raise providers\.coins\.fees"):
        await provider.quote(asked(10**9))

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable, double.taken) == (ErrorCode.QUOTE_EXPIRED, True, [])


async def test_stopped_withdrawals_are_seen_before_anything_leaves(at: At) -> None:
    _, double, provider = at
    double.open["TON"] = False

    outcome = await provider.create_payout(order())
    with pytest.raises(RewardRailsError) as refused:
        await provider.quote(asked(10**9))

    assert refused.value.code is ErrorCode.WITHDRAWALS_SUSPENDED
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable, outcome.scope) == (
        ErrorCode.WITHDRAWALS_SUSPENDED,
        True,
        RejectionScope.PROVIDER,
    )
    assert double.PATH not in double.asked


async def test_an_address_that_is_not_in_the_book_says_so(at: At) -> None:
    _, double, provider = at
    double.address_book = {"somebody"}

    outcome = await provider.create_payout(order())

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable, outcome.scope) == (
        ErrorCode.DESTINATION_NOT_IN_ADDRESS_BOOK,
        False,
        RejectionScope.PAYOUT,
    )


async def test_a_machine_that_is_not_on_the_list_costs_no_payout_a_try(at: At) -> None:
    exchange, double, provider = at
    double.comes_from_elsewhere = True

    outcome = await provider.create_payout(order())

    assert isinstance(outcome, Rejected)
    assert (outcome.retryable, outcome.scope) == (True, RejectionScope.PROVIDER)
    wanted = ErrorCode.PROVIDER_AUTH_FAILED if exchange == "binance" else ErrorCode.PROVIDER_IP_NOT_ALLOWED
    assert outcome.code is wanted


async def test_the_key_loses_its_right_between_two_calls(at: At) -> None:
    _, double, provider = at
    double.may_withdraw = False

    outcome = await provider.create_payout(order())

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.scope) == (ErrorCode.PROVIDER_AUTH_FAILED, RejectionScope.PROVIDER)


async def test_an_empty_account_is_of_the_provider(at: At) -> None:
    _, double, provider = at
    double.free["TON"] = Decimal(5)

    outcome = await provider.create_payout(order())

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable, outcome.scope) == (
        ErrorCode.INSUFFICIENT_PROVIDER_FUNDS,
        True,
        RejectionScope.PROVIDER,
    )


async def test_a_deposit_elsewhere_needs_its_memo(at: At) -> None:
    exchange, double, _ = at
    strict = ExchangeProvider(context_at(exchange, double, needs_memo=[KIND]))
    outcome = await strict.create_payout(order())
    with_memo = await strict.create_payout(order(memo="77"))
    await strict.close()

    assert isinstance(outcome, Rejected)
    assert outcome.code is ErrorCode.DESTINATION_INVALID
    assert isinstance(with_memo, Accepted)


@pytest.mark.incident("I2", "I9")
async def test_a_lost_answer_is_found_by_our_name_where_the_list_says_it(at: At) -> None:
    exchange, double, provider = at
    one = order()
    await double.behave(Conduct.LOSE_REPLY)
    assert isinstance(await provider.create_payout(one), OutcomeUnknown)

    seen = await provider.sync(reference(one))

    if exchange == "bybit":
        assert isinstance(seen, CannotTell)
        assert seen.evidence.message == (
            f"1 of 1 withdrawals since the payout was taken on have its amount: {double.taken[0].id}"
        )
    else:
        assert isinstance(seen, Found)
        assert (seen.observation.status, seen.observation.provider_reference) == (
            ObservedStatus.PENDING,
            double.taken[0].id,
        )
        assert seen.observation.fee == Money(amount_minor=20_000_000, asset="TON")


async def test_a_call_without_time_sends_nothing_and_is_certain() -> None:
    async with DOUBLES["okx"]() as double:
        provider = ExchangeProvider(replace(context_at("okx", double), call_timeout_seconds=0.06))
        outcome = await provider.create_payout(order())
        await provider.close()

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.scope, double.asked) == (
        ErrorCode.PROVIDER_UNAVAILABLE,
        RejectionScope.PROVIDER,
        [],
    )


async def test_nothing_is_ever_said_to_be_safe_to_send_again(at: At) -> None:
    exchange, _, provider = at
    can = provider.capabilities

    assert (can.dedupe, can.lookup_is_authoritative, can.same_key_is_safe) == (Dedupe.NONE, False, False)
    assert can.needs_legal_approval
    assert can.lookup is (Lookup.PROVIDER_REFERENCE if exchange == "bybit" else Lookup.OUR_REFERENCE)
    assert set(can.sources) == {"dedupe", "lookup", "fees", "rate_per_second"}


async def test_one_name_with_two_withdrawals_is_for_people(at: At) -> None:
    exchange, double, provider = at
    one = order()
    await provider.create_payout(one)
    await provider.create_payout(one)
    assert len(double.taken) == 2

    seen = await provider.sync(reference(one))

    if exchange == "bybit":
        assert isinstance(seen, CannotTell)
    else:
        assert isinstance(seen, Found)
        assert (seen.observation.status, seen.observation.code) == (
            ObservedStatus.UNKNOWN,
            ErrorCode.DUPLICATE_CONFLICT,
        )


@pytest.mark.parametrize("exchange", ["binance", "okx"])
async def test_a_list_that_does_not_do_as_asked_says_nothing_of_ours(exchange: str) -> None:
    """A filter that the exchange drops would make the only withdrawal of anybody's ours."""
    async with DOUBLES[exchange]() as double:
        provider = ExchangeProvider(context_at(exchange, double))
        double.knows_names = False
        seen = []
        for _ in range(2):
            await provider.create_payout(order())
            seen.append(await provider.sync(reference(order())))
        await provider.close()

    assert all(isinstance(one, CannotTell) for one in seen)


@pytest.mark.parametrize("changed", [{"clientId": "somebody-else"}, {"amt": "5"}, {"wdId": 70000}, {"wdId": ""}])
async def test_an_answer_about_something_else_is_unknown(
    changed: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OKX repeats what it was asked for."""
    async with DOUBLES["okx"]() as double:
        provider = ExchangeProvider(context_at("okx", double))
        said = {"amt": "5.100000001", "wdId": "70000", "ccy": "TON", "clientId": "", "chain": "TON-TON"}
        answer = web.json_response({"code": "0", "msg": "", "data": [said | changed]})
        monkeypatch.setattr(double, "accepted", lambda _: answer)
        outcome = await provider.create_payout(order())
        await provider.close()

    assert isinstance(outcome, OutcomeUnknown)


async def test_a_name_of_theirs_that_the_list_does_not_show_proves_nothing(at: At) -> None:
    _, _, provider = at

    assert isinstance(await provider.sync(reference(order(), "123")), CannotTell)


async def test_a_withdrawal_of_another_coin_is_not_ours(at: At) -> None:
    _, double, provider = at
    one = order()
    accepted = await provider.create_payout(one)
    assert isinstance(accepted, Accepted)
    double.taken[0].coin = "USDT"

    assert isinstance(await provider.sync(reference(one, accepted.provider_reference)), CannotTell)


@pytest.mark.parametrize("exchange", ["binance", "okx"])
async def test_the_list_is_asked_over_all_the_time_since_the_payout_was_taken_on(
    exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By our name Binance answers for seven days at once."""
    async with DOUBLES[exchange]() as double:
        provider = ExchangeProvider(context_at(exchange, double))
        one = order()
        await provider.create_payout(one)
        made = clock.now() - timedelta(days=30)
        monkeypatch.setattr(history, "_made_at", lambda _: made)
        double.taken[0].created_at -= timedelta(days=25)
        double.asked.clear()
        seen, nothing = await provider.sync(reference(one)), await provider.sync(reference(order()))
        await provider.close()

    assert isinstance(seen, Found)
    assert isinstance(nothing, Absent)
    assert len(double.asked) == (5 + 5 if exchange == "binance" else 2)


async def test_a_time_too_long_to_be_asked_for_is_no_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    async with DOUBLES["binance"]() as double:
        provider = ExchangeProvider(context_at("binance", double))
        monkeypatch.setattr(history, "_made_at", lambda _: clock.now() - timedelta(days=100))
        seen = await provider.sync(reference(order()))
        await provider.close()

    assert isinstance(seen, CannotTell)


def test_a_payout_s_own_name_says_when_it_was_taken_on() -> None:
    assert abs(history._made_at(ids.new_id()) - clock.now()) < timedelta(seconds=5)


async def test_a_full_page_is_asked_for_again_in_halves(at: At) -> None:
    _, double, provider = at
    for number in range(9):
        await provider.create_payout(order(10**9 + number))
        double.taken[-1].created_at -= timedelta(hours=number)
    double.page = 4
    narrow = replace(provider._client.row, history=replace(provider._client.row.history, page=4))
    provider._history._row = narrow

    around = Window(start=clock.now() - timedelta(days=2), end=clock.now() + timedelta(minutes=1))
    pages = [page async for page in provider.statement(around)]
    items = {item.item_id: item for page in pages for item in page}

    assert {item.amount for item in items.values()} == {
        Money(amount_minor=10**9 + number, asset="TON") for number in range(9)
    }
    assert len(pages) > 2


async def test_more_in_a_moment_than_a_page_holds_is_refused(at: At) -> None:
    _, double, provider = at
    for number in range(4):
        await provider.create_payout(order(10**9 + number))
        double.taken[-1].created_at = double.taken[0].created_at
    double.page = 4
    provider._history._row = replace(provider._client.row, history=replace(provider._client.row.history, page=4))

    around = Window(start=clock.now() - timedelta(days=2), end=clock.now() + timedelta(minutes=1))
    with pytest.raises(RewardRailsError) as refused:
        _ = [page async for page in provider.statement(around)]

    assert refused.value.code is ErrorCode.FIELD_INVALID


async def test_a_statement_tells_coins_that_are_not_configured(at: At) -> None:
    _, double, provider = at
    await provider.create_payout(order())
    double.taken[0].coin, double.taken[0].name = "DOGE", ""

    around = Window(start=clock.now() - timedelta(hours=1), end=clock.now() + timedelta(minutes=1))
    (item,) = [item async for page in provider.statement(around) for item in page]

    assert (item.amount, item.told, item.reference) == (None, "5.100000001 DOGE", "")


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_no_refusal_is_a_word_for_not_knowing(exchange: str) -> None:
    """Time-outs, broken and busy systems, requests seen before: nobody knows what came of them."""
    doubtful = {
        "binance": {"-1000", "-1001", "-1006", "-1007", "-1008", "-4027", "-4032", "-4038", "-4041"},
        "okx": {"50001", "50004", "50005", "50013", "50026", "58007"},
        "bybit": {"10000", "10014", "10016", "131003"},
    }
    assert not doubtful[exchange] & set(EXCHANGES[exchange].refusals)
    assert not set(EXCHANGES[exchange].success) & set(EXCHANGES[exchange].refusals)
