"""The outbound payments of one financial account, whoever made them.

Source: https://docs.stripe.com/api/v2/money-management/outbound-payments/list
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.providers import statements, strict_json
from rewardrails.providers.http import HttpReply
from rewardrails.providers.stripe import wire
from rewardrails.providers.stripe.lookup import PAYMENTS, Finder
from rewardrails.providers.stripe.mapping import PAYMENT_STATUSES, RAIL_KEY, money_of

PAGE = 100
MAX_PAGES = 5_000


async def pages(provider: str, window: Window, finder: Finder) -> AsyncIterator[Sequence[StatementItem]]:
    """GET .../outbound_payments by time of creation; raises `RewardRailsError` when it is not to be had whole.

    An intent that nobody confirmed has made no payment and is not among them. What a payment cost is told by no list.
    """
    span = {"created[gte]": _moment(window.start), "created[lt]": _moment(window.end), "limit": str(PAGE)}
    path = f"{PAYMENTS}?{urlencode(span)}"
    for _ in range(MAX_PAGES):
        page = await _page(provider, finder, path)
        yield [
            _item(payment, finder, provider)
            for payment in page.data
            if payment.source.financial_account == finder.financial_account
        ]
        if page.next_page_url is None:
            # An empty list is an empty array, which a broken gateway answers as well.
            if not page.data and not await finder.is_there():
                raise statements.not_told(provider)
            return
        if not page.next_page_url.startswith(f"{PAYMENTS}?"):
            raise statements.not_told(provider)
        path = page.next_page_url
    raise statements.too_long(provider)


async def _page(provider: str, finder: Finder, path: str) -> wire.Payments:
    reply = await finder.client.look(path)
    if not isinstance(reply, HttpReply):
        raise statements.not_told(provider) from reply
    told = strict_json.try_decode(wire.PAYMENTS, reply.body) if reply.status == 200 else None
    if told is None:
        raise statements.not_told(provider, status=reply.status)
    return told


def _item(payment: wire.ListedPayment, finder: Finder, provider: str) -> StatementItem:
    amount = payment.amount
    return StatementItem(
        item_id=payment.id,
        provider_reference=payment.payout_intent or "",
        reference=(payment.metadata or {}).get(RAIL_KEY, ""),
        amount=statements.money_or_none(lambda: money_of(amount, finder.assets)),
        told=f"{amount.value} smallest units of {amount.currency.upper()}",
        status=PAYMENT_STATUSES.get(payment.status, ObservedStatus.UNKNOWN),
        provider_status=payment.status,
        at=statements.moment_of(payment.created, provider),
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
