"""The account's own history of payouts, by Transaction Search, which an app needs the right to use.

It names transactions, never what we called them; the item of each batch says which transaction it became. Sources:
https://developer.paypal.com/docs/api/transaction-search/v1/ and https://developer.paypal.com/payouts/use-payouts/view-transactions
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from urllib.parse import urlencode

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.providers import statements, strict_json
from rewardrails.providers.http import HttpReply
from rewardrails.providers.paypal import wire
from rewardrails.providers.paypal.mapping import money_of

HISTORY = "/v1/reporting/transactions"
PAYOUT = "T0001"
PAGE = 200
MAX_PAGES = 2_000
LONGEST = timedelta(days=31)
STATUSES: Mapping[str, ObservedStatus] = MappingProxyType(
    {
        "S": ObservedStatus.PAID,
        "P": ObservedStatus.PENDING,
        "D": ObservedStatus.FAILED,
        "V": ObservedStatus.RETURNED,
    }
)
Ask = Callable[[str], Awaitable[HttpReply]]


async def pages(
    provider: str, window: Window, exponents: Mapping[str, int], ask: Ask
) -> AsyncIterator[Sequence[StatementItem]]:
    """Every payout of the account in a time, up to 31 days a question; raises what `ask` does, and `RewardRailsError`."""
    for span in _spans(window):
        page, last = 1, 1
        while page <= last:
            if page > MAX_PAGES:
                raise statements.too_long(provider)
            reply = await ask(f"{HISTORY}?{_query(span, page)}")
            told = strict_json.try_decode(wire.TRANSACTIONS, reply.body) if reply.status == 200 else None
            if told is None:
                raise statements.not_told(provider, status=reply.status)
            yield [_item(one.transaction_info, exponents, provider) for one in told.transaction_details]
            page, last = page + 1, told.total_pages


def _spans(window: Window) -> Iterator[Window]:
    start = window.start
    while start < window.end:
        end = min(start + LONGEST, window.end)
        yield Window(start=start, end=end)
        start = end


def _query(span: Window, page: int) -> str:
    return urlencode(
        {
            "start_date": span.start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end_date": span.end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "transaction_type": PAYOUT,
            "fields": "transaction_info",
            "page_size": PAGE,
            "page": page,
        }
    )


def _item(told: wire.TransactionInfo, exponents: Mapping[str, int], provider: str) -> StatementItem:
    paid = _unsigned(told.transaction_amount)
    charged = _unsigned(told.fee_amount) if told.fee_amount is not None else None
    fee = statements.money_or_none(lambda: money_of(charged, exponents)) if charged is not None else None
    return StatementItem(
        item_id=told.transaction_id,
        reference=told.transaction_id,
        amount=statements.money_or_none(lambda: money_of(paid, exponents)),
        told=f"{paid.value} {paid.currency}",
        fee=fee if fee is not None and fee.amount_minor else None,  # batches are charged apart, by lines of their own
        status=STATUSES.get(told.transaction_status, ObservedStatus.UNKNOWN),
        provider_status=told.transaction_status,
        at=statements.moment_of(told.transaction_initiation_date, provider),
    )


def _unsigned(signed: wire.Signed) -> wire.Amount:
    return wire.Amount(currency=signed.currency_code, value=signed.value.removeprefix("-"))
