"""Reloadly's report of transactions. Source: https://docs.reloadly.com/gift-cards"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.errors import AmountInvalid
from rewardrails.providers import statements, strict_json
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent
from rewardrails.providers.reloadly.mapping import STATUSES, amount_of, fee_of
from rewardrails.providers.reloadly.session import NoToken
from rewardrails.providers.reloadly.wire import REPORT, Report, Transaction

PATH = "/reports/transactions"
PAGE = 100
MAX_PAGES = 5_000
Ask = Callable[[str], Awaitable[HttpReply]]


async def pages(
    provider: str, window: Window, exponents: Mapping[str, int], ask: Ask
) -> AsyncIterator[Sequence[StatementItem]]:
    """GET the report by time; `ask` fetches a path. Raises `RewardRailsError` when it is not to be had whole."""
    first = 0
    for page in range(MAX_PAGES):
        told = await _page(provider, window, first + page, ask)
        if page == 0 and told.number != 0:
            raise statements.not_told(provider)
        if page == 1 and told.number == 0:  # their first page is called 1, and 0 is the same
            first = 1
            told = await _page(provider, window, first + page, ask)
        if told.number != page:
            raise statements.not_told(provider)
        yield [_item(one, exponents, provider) for one in told.content]
        if told.last:
            return
    raise statements.too_long(provider)


async def _page(provider: str, window: Window, page: int, ask: Ask) -> Report:
    span = {"startDate": _written(window.start), "endDate": _written(window.end)}
    try:
        reply = await ask(f"{PATH}?{urlencode(span | {'size': str(PAGE), 'page': str(page)})}")
    except (NoToken, NeverSent, MaybeSent) as error:
        raise statements.not_told(provider) from error
    told = strict_json.try_decode(REPORT, reply.body) if reply.status == 200 else None
    if told is None:
        raise statements.not_told(provider, status=reply.status)
    return told


def _item(told: Transaction, exponents: Mapping[str, int], provider: str) -> StatementItem:
    try:
        amount, fee = amount_of(told, exponents), fee_of(told, exponents)
    except AmountInvalid:  # a currency that is not configured, or several cards: the engine tells of it
        amount, fee = None, None
    sold = told.product
    return StatementItem(
        item_id=str(told.transaction_id),
        reference=told.custom_identifier or "",
        amount=amount,
        told=f"{sold.quantity} x {sold.unit_price} {sold.currency_code}",
        fee=fee,
        status=STATUSES.get(told.status, ObservedStatus.UNKNOWN),
        provider_status=told.status,
        at=statements.moment_of(told.transaction_created_time, provider),
    )


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
