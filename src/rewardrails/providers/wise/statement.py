"""The profile's list of transfers, whoever made them. Source: https://docs.wise.com/api-reference/transfer/transferlist"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.providers import statements, strict_json
from rewardrails.providers.http import HttpReply
from rewardrails.providers.wise import wire
from rewardrails.providers.wise.client import WiseClient
from rewardrails.providers.wise.mapping import STATUSES, UNFUNDED, money_of

PAGE = 100
MAX_PAGES = 5_000


async def pages(
    provider: str, window: Window, client: WiseClient, exponents: Mapping[str, int]
) -> AsyncIterator[Sequence[StatementItem]]:
    """GET /v1/transfers by time of creation; raises `RewardRailsError` when it is not to be had whole.

    What a transfer cost is told by its quote alone, so that a list says nothing of fees.
    """
    span = {
        "profile": client.profile_id,
        "createdDateStart": _moment(window.start),
        "createdDateEnd": _moment(window.end),
    }
    for page in range(MAX_PAGES):
        reply = await client.look(f"/v1/transfers?{urlencode(span | {'limit': PAGE, 'offset': page * PAGE})}")
        if not isinstance(reply, HttpReply):
            raise statements.not_told(provider) from reply
        told = strict_json.try_decode(wire.TRANSFERS, reply.body) if reply.status == 200 else None
        if told is None:
            raise statements.not_told(provider, status=reply.status)
        if not told and not page:
            await _refuse_broken(provider, client)
        yield [_item(transfer, exponents, provider) for transfer in told]
        if len(told) < PAGE:
            return
    raise statements.too_long(provider)


async def _refuse_broken(provider: str, client: WiseClient) -> None:
    """An empty list is an empty array, which a broken gateway answers as well: it is believed while the profile can be read."""
    reply = await client.look(f"/v2/profiles/{client.profile_id}")
    profile = strict_json.try_decode(wire.PROFILE, reply.body) if isinstance(reply, HttpReply) else None
    if profile is None or profile.id != client.profile_id:
        raise statements.not_told(provider)


def _item(transfer: wire.Transfer, exponents: Mapping[str, int], provider: str) -> StatementItem:
    # A transfer that nobody has paid for moves nothing, and lapses: no payment, whoever made it.
    status = STATUSES.get(transfer.status, ObservedStatus.UNKNOWN)
    return StatementItem(
        item_id=str(transfer.id),
        reference=transfer.customer_transaction_id or "",
        amount=statements.money_or_none(lambda: money_of(transfer.target_value, transfer.target_currency, exponents)),
        told=f"{transfer.target_value} {transfer.target_currency}",
        status=ObservedStatus.FAILED if transfer.status == UNFUNDED else status,
        provider_status=transfer.status,
        at=statements.moment_of(transfer.created, provider),
    )


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
