"""What the profile's balances hold."""

from collections.abc import Mapping, Sequence

from rewardrails.domain.money import Money
from rewardrails.errors import AmountInvalid
from rewardrails.providers import strict_json
from rewardrails.providers.http import HttpReply
from rewardrails.providers.wise import wire
from rewardrails.providers.wise.client import WiseClient
from rewardrails.providers.wise.mapping import money_of

STANDARD = "STANDARD"


async def held(client: WiseClient) -> Sequence[wire.Balance] | None:
    """The balances that payouts are paid out of; None when Wise does not tell, or tells of none."""
    reply = await client.look(balances_path(client))
    if not isinstance(reply, HttpReply) or reply.status != 200:
        return None
    listed = strict_json.try_decode(wire.BALANCES, reply.body)
    return [one for one in listed if one.type in ("", STANDARD)] if listed else None


def balances_path(client: WiseClient) -> str:
    """Where the profile's balances are told."""
    return f"/v4/profiles/{client.profile_id}/balances?types={STANDARD}"


def money_in(balances: Sequence[wire.Balance], exponents: Mapping[str, int]) -> Sequence[Money] | None:
    """The balances in configured assets, each asset once; None where one cannot be."""
    mine = [one.amount for one in balances if one.amount.currency in exponents]
    if len({one.currency for one in mine}) < len(mine):
        return None
    try:
        return [money_of(one.value, one.currency, exponents) for one in mine]
    except AmountInvalid:
        return None
