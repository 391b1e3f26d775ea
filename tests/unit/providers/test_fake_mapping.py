"""The fake adapter's tables: total for what the provider documents, careful with what it does not."""

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.errors import AmountInvalid, ErrorCode
from rewardrails.providers.fake.mapping import NOT_REFUSALS, REFUSALS, STATUSES, money_of, observation_of, status_of
from rewardrails.providers.fake.wire import PayoutReply, WireDestination
from rewardrails.testing.fake_provider import book, refusals

EXPONENTS = {"USD": 2, "TON": 9, "GEM": 0}


def payout(status: str = "paid", *, amount: str = "12.50", fee: str = "0.25", failure_code: str = "") -> PayoutReply:
    return PayoutReply(
        id="po_1",
        reference="00000000000000000000000000000001-1",
        status=status,
        amount=amount,
        asset="USD",
        destination=WireDestination(kind="iban", value="DE89", memo="m"),
        fee=fee,
        livemode=True,
        failure_code=failure_code,
    )


@pytest.mark.promise("G1")
@pytest.mark.incident("I27")
def test_every_documented_error_is_in_exactly_one_table() -> None:
    documented = set(refusals.REFUSALS)

    assert documented == set(REFUSALS) | set(NOT_REFUSALS)
    assert not set(REFUSALS) & set(NOT_REFUSALS)


def test_every_status_of_the_provider_is_mapped() -> None:
    spoken = {book.PROCESSING, book.PAID, book.FAILED, book.CANCELED, book.RETURNED, "queued"}

    assert set(STATUSES) == spoken
    assert ObservedStatus.UNKNOWN not in STATUSES.values()


@pytest.mark.promise("G1")
@pytest.mark.incident("I27")
@pytest.mark.parametrize("vendor_status", ["", "PAID", "paid ", "completed", "in_orbit"])
def test_any_other_status_is_unknown(vendor_status: str) -> None:
    assert status_of(vendor_status) is ObservedStatus.UNKNOWN


def test_a_payout_becomes_a_whole_observation() -> None:
    seen = observation_of(payout(), EXPONENTS, Evidence(), event_key="evt_1")

    assert seen.status is ObservedStatus.PAID
    assert (seen.rail_key, seen.provider_reference) == ("00000000000000000000000000000001-1", "po_1")
    assert seen.amount == Money(amount_minor=1250, asset="USD")
    assert seen.fee == Money(amount_minor=25, asset="USD")
    assert seen.destination == Destination(kind="iban", value="DE89", memo="m")
    assert (seen.event_key, seen.live, seen.code, seen.retryable) == ("evt_1", True, None, False)


@pytest.mark.parametrize(
    ("status", "failure_code", "code", "retryable"),
    [
        ("failed", "destination_closed", ErrorCode.DESTINATION_INVALID, False),
        ("failed", "insufficient_float", ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, True),
        ("failed", "moon_phase", ErrorCode.PROVIDER_REJECTED, False),
        ("returned", "returned_by_bank", ErrorCode.RETURNED, False),
        ("returned", "insufficient_float", ErrorCode.RETURNED, False),
        ("paid", "destination_closed", None, False),
        ("in_orbit", "insufficient_float", None, False),
    ],
)
def test_reasons_belong_to_failures_and_returns(
    status: str, failure_code: str, code: ErrorCode | None, retryable: bool
) -> None:
    seen = observation_of(payout(status, failure_code=failure_code), EXPONENTS, Evidence())

    assert (seen.code, seen.retryable) == (code, retryable)


@pytest.mark.parametrize(
    ("amount", "asset", "minor"),
    [("0", "USD", 0), ("0.00", "USD", 0), ("0.01", "USD", 1), ("7", "GEM", 7), ("0.000000001", "TON", 1)],
)
def test_amounts_are_exact(amount: str, asset: str, minor: int) -> None:
    assert money_of(amount, asset, EXPONENTS) == Money(amount_minor=minor, asset=asset)


@pytest.mark.parametrize(
    ("amount", "asset"),
    [
        ("", "USD"),
        (".", "USD"),
        ("1.001", "USD"),
        ("-1", "USD"),
        ("1e3", "USD"),
        ("1,00", "USD"),
        ("1", "EUR"),
        ("0", "EUR"),
    ],
)
def test_amounts_we_cannot_express_are_refused(amount: str, asset: str) -> None:
    with pytest.raises(AmountInvalid):
        money_of(amount, asset, EXPONENTS)
