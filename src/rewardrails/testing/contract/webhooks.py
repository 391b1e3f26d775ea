"""P-47 to P-56: being told."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rewardrails import clock, ids
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.order import Order
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ErrorCode, WebhookRefused
from rewardrails.providers.base import SupportsWebhooks
from rewardrails.testing.contract.base import ContractFixtures
from rewardrails.testing.contract.behaviour import behaviour
from rewardrails.testing.contract.case import Case
from rewardrails.testing.contract.conditions import NOTIFIES, SIGNED, SIGNED_FULL, UNSIGNED
from rewardrails.testing.contract.double import News, SignedBy
from rewardrails.testing.contract.mutants import mutants

REFUSALS = frozenset({ErrorCode.WEBHOOK_SIGNATURE_INVALID, ErrorCode.WEBHOOK_STALE, ErrorCode.FIELD_INVALID})
DAY = timedelta(days=1)
HOSTILE_BODIES = (b"", b"null", b"[]", b"{}", b'"x"', b"[" * 100_000, b"\xff\xfe", b'{"a":' * 10_000, b"9" * 10_000)


class Webhooks(ContractFixtures):
    """`receive`."""

    @behaviour(47, "A genuine notice is believed", applies=SIGNED)
    async def test_genuine_notice(self, case: Case) -> None:
        """It yields one observation of the payout that it names. A notice that tells everything gives the status too, for
        each of pending, paid and failed.
        """
        full = SIGNED_FULL.unless(case.provider) == ""
        for status in (ObservedStatus.PENDING, ObservedStatus.PAID, ObservedStatus.FAILED):
            order = case.order()
            (seen,) = _read(case, _notice(case, _news(order, status)))
            _assert_names(seen, order)
            assert not full or seen.status is status, f"{status} is told as {seen.status}"

    @behaviour(48, "A spoilt notice is refused", applies=SIGNED)
    async def test_mutants_are_refused(self, case: Case) -> None:
        """Every byte of the body flipped, the body cut or lengthened, every header missing, cut short, lengthened or changed
        in any letter: refused with a stable code.
        """
        genuine = _notice(case, _news(case.order(), ObservedStatus.PAID))
        _read(case, genuine)
        for what, spoilt in mutants(genuine):
            _assert_refused(case, spoilt, what)

    @behaviour(49, "Another's signature is refused", applies=SIGNED)
    async def test_stranger_is_refused(self, case: Case) -> None:
        """A notice that is right in everything but the secret is refused as `webhook_signature_invalid`."""
        forged = _notice(case, _news(case.order(), ObservedStatus.PAID), by=SignedBy.STRANGER)
        assert _assert_refused(case, forged, "a stranger's signature") is ErrorCode.WEBHOOK_SIGNATURE_INVALID

    @behaviour(50, "A notice from yesterday or tomorrow is refused", applies=SIGNED)
    async def test_age_is_bounded(self, case: Case) -> None:
        """A genuine notice that was signed a day before or after it came is refused: a recorded one cannot be played again."""
        genuine = _notice(case, _news(case.order(), ObservedStatus.PAID))
        for shift in (DAY, -DAY):
            _assert_refused(
                case, replace(genuine, received_at=genuine.received_at + shift), f"signed {shift} before it came"
            )

    @behaviour(51, "The same notice is the same event", applies=SIGNED)
    async def test_event_keys(self, case: Case) -> None:
        """A notice delivered twice has one event key, and two events have two: that is how the second delivery is known."""
        order = case.order()
        first, second = (_news(order, status) for status in (ObservedStatus.PENDING, ObservedStatus.PAID))
        (one,) = _read(case, _notice(case, first))
        (again,) = _read(case, _notice(case, first, at=clock.now() + timedelta(seconds=1)))
        (other,) = _read(case, _notice(case, second))
        assert one.event_key, "the event has no key"
        assert one.event_key == again.event_key
        assert one.event_key != other.event_key

    @behaviour(52, "A notice speaks for the payout and the amount that it names", applies=SIGNED_FULL)
    async def test_notice_is_not_bent(self, case: Case) -> None:
        """Reference, amount and destination are handed on as the notice has them, also when it is about a payout or an amount
        that was never ordered: the engine compares, and quarantines what does not fit.
        """
        order = case.order()
        told = _news(order, ObservedStatus.PAID)
        odd = case.money(order.amount.amount_minor + 1)
        (seen,) = _read(case, _notice(case, replace(told, amount=odd)))
        assert seen.amount == odd, f"the notice says {odd}, the observation {seen.amount}"
        stranger = case.order()
        (seen,) = _read(case, _notice(case, _news(stranger, ObservedStatus.PAID)))
        _assert_names(seen, stranger)
        assert seen.destination in {stranger.destination, None}

    @behaviour(53, "A notice with a strange status is unknown", applies=SIGNED)
    async def test_strange_status(self, case: Case) -> None:
        """A status that the vendor does not document is neither paid nor failed."""
        (seen,) = _read(case, _notice(case, _news(case.order(), ObservedStatus.UNKNOWN)))
        assert seen.status is ObservedStatus.UNKNOWN, f"told as {seen.status}"

    @behaviour(54, "Reading a notice depends on nothing else", applies=NOTIFIES)
    async def test_receive_is_pure(self, case: Case) -> None:
        """`receive` sends nothing, takes the time from the notice's `received_at` and not from the machine, and answers the
        same to the same.
        """
        far = datetime(2031, 5, 4, 3, 2, 1, tzinfo=clock.now().tzinfo)
        notice = _notice(case, _news(case.order(), ObservedStatus.PAID, at=far), at=far)
        assert _read(case, notice) == _read(case, notice)
        assert case.wire.sent == []

    @behaviour(55, "A genuine notice that cannot be read is refused by name", applies=SIGNED)
    async def test_unreadable_notice(self, case: Case) -> None:
        """Hostile bodies under a genuine signature end in `WebhookRefused` with a stable code, not in another exception."""
        now = clock.now()
        for body in HOSTILE_BODIES:
            headers = case.notices.sign(body, event="evt-hostile", at=now, by=SignedBy.VENDOR)
            _assert_refused(case, WebhookRequest(body=body, headers=headers, received_at=now), f"body {body[:20]!r}")

    @behaviour(56, "An unsigned hint decides nothing", applies=UNSIGNED)
    async def test_hint_decides_nothing(self, case: Case) -> None:
        """Anybody can send it, so its status is unknown whatever it says: it is a reason to ask."""
        (seen,) = _read(case, _notice(case, _news(case.order(), ObservedStatus.PAID)))
        assert seen.status is ObservedStatus.UNKNOWN, f"a hint was believed: {seen.status}"


def _news(order: Order, status: ObservedStatus, *, at: datetime | None = None) -> News:
    return News(
        event=f"evt-{ids.new_id().hex}",
        at=at or clock.now(),
        status=status,
        rail_key=order.rail_key,
        provider_reference=f"ref-{order.rail_key}",
        amount=order.amount,
        destination=order.destination,
    )


def _notice(case: Case, news: News, *, by: SignedBy = SignedBy.VENDOR, at: datetime | None = None) -> WebhookRequest:
    signed_at = at or clock.now()
    body = case.notices.write(news)
    headers = case.notices.sign(body, event=news.event, at=signed_at, by=by)
    return WebhookRequest(body=body, headers=headers, received_at=signed_at)


def _read(case: Case, notice: WebhookRequest) -> tuple[Observation, ...]:
    assert isinstance(case.provider, SupportsWebhooks)
    return case.provider.receive(notice)


def _assert_names(seen: Observation, order: Order) -> None:
    assert seen.rail_key or seen.provider_reference, "the observation names nobody"
    assert seen.rail_key in {order.rail_key, ""}, "the observation names another payout than the notice"
    assert seen.provider_reference in {f"ref-{order.rail_key}", ""}


def _assert_refused(case: Case, notice: WebhookRequest, what: str) -> ErrorCode:
    try:
        believed = _read(case, notice)
    except WebhookRefused as refused:
        code = refused.code
    else:
        pytest.fail(f"{what}: believed, as {believed!r}")
    assert code in REFUSALS, f"{what}: refused as {code}"
    return code
