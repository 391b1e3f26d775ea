"""Tremendous' list of orders, reward by reward. Source: https://developers.tremendous.com/reference/list-orders"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from urllib.parse import urlencode

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.errors import AmountInvalid
from rewardrails.providers import statements, strict_json
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent
from rewardrails.providers.tremendous import wire
from rewardrails.providers.tremendous.mapping import DELIVERY_STATUSES, EXECUTED, ORDER_STATUSES, fee_of, money_of

PAGE = 100  # of the 500 that it would give, so that a page stays small
MAX_PAGES = 5_000


async def pages(
    provider: str, window: Window, exponents: Mapping[str, int], ask: Callable[[str], Awaitable[HttpReply]]
) -> AsyncIterator[Sequence[StatementItem]]:
    """GET /orders by time, newest first; `ask` fetches a path. Raises `RewardRailsError` when it is not to be had whole."""
    span = {"created_at[gte]": window.start.isoformat(), "created_at[lte]": window.end.isoformat()}
    for page in range(MAX_PAGES):
        try:
            reply = await ask(f"/orders?{urlencode(span | {'limit': str(PAGE), 'offset': str(page * PAGE)})}")
        except (NeverSent, MaybeSent) as error:
            raise statements.not_told(provider) from error
        told = strict_json.try_decode(wire.PAGE, reply.body) if reply.status == 200 else None
        if told is None:
            raise statements.not_told(provider, status=reply.status)
        yield [item for order in told.orders for item in _items(order, exponents, provider)]
        if len(told.orders) < PAGE:
            return
    raise statements.too_long(provider)


def _items(order: wire.ListedOrder, exponents: Mapping[str, int], provider: str) -> Iterator[StatementItem]:
    """Ours have one reward each; an order of several is somebody else's, whatever it calls itself."""
    is_one = len(order.rewards) == 1
    for reward in order.rewards:
        value = reward.value
        try:
            amount = money_of(value, exponents)
            fee = fee_of(order.payment, value.currency_code, exponents) if is_one else None
        except AmountInvalid:  # a currency that is not configured: the engine tells of it
            amount, fee = None, None
        yield StatementItem(
            item_id=reward.id,
            reference=(order.external_id or "") if is_one else "",
            amount=amount,
            told=f"{value.denomination} {value.currency_code}",
            fee=fee,
            status=_status(order.status, reward.delivery.status),
            provider_status=order.status,
            at=statements.moment_of(order.created_at, provider),
        )


def _status(order: str, delivery: str) -> ObservedStatus:
    if order == EXECUTED:
        return DELIVERY_STATUSES.get(delivery, ObservedStatus.UNKNOWN)
    return ORDER_STATUSES.get(order, ObservedStatus.UNKNOWN)
