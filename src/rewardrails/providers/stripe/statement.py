"""The financial account's outbound payments, whoever made them.

Source: https://docs.stripe.com/api/v2/money-management/outbound-payments/list
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import urlencode

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.providers import statements, strict_json
from rewardrails.providers.http import HttpReply
from rewardrails.providers.stripe import wire
from rewardrails.providers.stripe.client import PAYMENTS, leads_on
from rewardrails.providers.stripe.currencies import money_of
from rewardrails.providers.stripe.lookup import PAGE, Finder
from rewardrails.providers.stripe.mapping import PAYMENT_STATUSES, RAIL_KEY

MAX_PAGES = 5_000


async def pages(
    provider: str, window: Window, finder: Finder, assets: Mapping[str, int]
) -> AsyncIterator[Sequence[StatementItem]]:
    """GET /v2/money_management/outbound_payments by time; raises `RewardRailsError` when it is not to be had whole."""
    span = {"created[gte]": window.start.isoformat(), "created[lt]": window.end.isoformat(), "limit": PAGE}
    path = f"{PAYMENTS}?{urlencode(span)}"
    for page in range(MAX_PAGES):
        reply = await finder.client.look(path)
        if not isinstance(reply, HttpReply):
            raise statements.not_told(provider) from reply
        told = strict_json.try_decode(wire.PAYMENTS, reply.body) if reply.status == 200 else None
        if told is None:
            raise statements.not_told(provider, status=reply.status)
        if not told.data and not page:
            await _refuse_broken(provider, finder)
        ours = [one for one in told.data if one.source.financial_account == finder.financial_account]
        yield [_item(payment, assets) for payment in ours]
        if told.next_page_url is None:
            return
        if not leads_on(told.next_page_url, PAYMENTS):
            raise statements.not_told(provider)
        path = told.next_page_url
    raise statements.too_long(provider)


async def _refuse_broken(provider: str, finder: Finder) -> None:
    """A broken gateway answers an empty list as well: it is believed while the financial account can be read."""
    reply = await finder.account()
    if not isinstance(reply, HttpReply) or finder.account_in(reply) is None:
        raise statements.not_told(provider)


def _item(payment: wire.ListedPayment, assets: Mapping[str, int]) -> StatementItem:
    return StatementItem(
        item_id=payment.id,
        provider_reference=payment.payout_intent or "",
        reference=(payment.metadata or {}).get(RAIL_KEY, ""),
        amount=statements.money_or_none(lambda: money_of(payment.amount, assets)),
        told=f"{payment.amount.value} {payment.amount.currency}",
        status=PAYMENT_STATUSES.get(payment.status, ObservedStatus.UNKNOWN),
        provider_status=payment.status,
        at=payment.created,
    )
