"""Whether an account at Stripe is set up to pay, and tells us of it.

Source: https://docs.stripe.com/api/v2/core/event-destinations
"""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from rewardrails.domain.money import Money
from rewardrails.errors import AmountInvalid
from rewardrails.providers import checks, strict_json
from rewardrails.providers.base import Checked
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent
from rewardrails.providers.stripe import wire
from rewardrails.providers.stripe.client import PAYMENTS
from rewardrails.providers.stripe.currencies import can_be_counted, held_of
from rewardrails.providers.stripe.lookup import Finder
from rewardrails.providers.stripe.webhook import INTENT

DESTINATIONS = "/v2/core/event_destinations?limit=100&include%5B0%5D=webhook_endpoint.url"
OPEN, ENABLED, THIN, ALL = "open", "enabled", "thin", "*"
# What must be heard of at once: it was paid, it came to nothing or back, it was stopped.
NEEDED_EVENTS = frozenset(f"{INTENT}.{word}" for word in ("posted", "requires_action", "canceled"))


async def look(provider: str, finder: Finder, assets: Mapping[str, int], *, is_live: bool) -> list[Checked]:
    """Credentials, permissions, environment, currencies, balance, clocks and webhooks; it moves nothing and never raises."""
    address = f"{finder.client.base_url} (financial account {finder.financial_account})"
    reply = await finder.account()
    if not isinstance(reply, HttpReply):
        return [checks.unreachable(address, reply)]
    found = [*checks.answered(address, reply, permission="read financial accounts")]
    account = finder.account_in(reply)
    if account is None:
        return found
    found += [_account(account, is_live=is_live), *_currencies(assets)]
    counted = {asset: exponent for asset, exponent in assets.items() if can_be_counted(asset, exponent)}
    found += checks.holdings(money_in(account, counted) or (), counted)
    found.append(_payments(await finder.client.look(f"{PAYMENTS}?limit=1")))
    found.append(_webhook(provider, await finder.client.look(DESTINATIONS)))
    return found


def money_in(account: wire.Account, assets: Mapping[str, int]) -> list[Money] | None:
    """What is available in configured currencies; None where it cannot be."""
    mine = [one for one in account.balance.available.values() if one.currency.upper() in assets]
    try:
        return [held_of(one, assets) for one in mine]
    except AmountInvalid:
        return None


def _account(account: wire.Account, *, is_live: bool) -> Checked:
    is_right = account.status == OPEN and account.livemode is is_live
    return Checked(
        about="account",
        is_right=is_right,
        found=f"{account.status}, {'live' if account.livemode else 'sandbox'}",
        do="" if is_right else "name an open financial account, and a key of the configured environment",
    )


def _currencies(configured: Mapping[str, int]) -> Iterator[Checked]:
    for asset, exponent in sorted(configured.items()):
        if not can_be_counted(asset, exponent):
            yield Checked(
                about=f"currency {asset}",
                is_right=False,
                found=f"configured with {exponent} decimals, which Stripe does not count in",
                do=f"set [assets.{asset}] exponent to Stripe's, or route {asset} elsewhere",
            )


def _payments(reply: HttpReply | NeverSent | MaybeSent) -> Checked:
    told = isinstance(reply, HttpReply) and reply.status == 200
    return Checked(
        about="outbound payments",
        is_right=told,
        found="may be read" if told else "may not be read, so that nobody learns how a payout ended",
        do="" if told else "give the key the rights to read outbound payments and to write payout intents",
    )


def _webhook(provider: str, reply: HttpReply | NeverSent | MaybeSent) -> Checked:
    told = None
    if isinstance(reply, HttpReply) and reply.status == 200:
        told = strict_json.try_decode(wire.EVENT_DESTINATIONS, reply.body)
    if told is None:
        do = "give the key the right to read event destinations, or look at them in the Dashboard"
        return Checked(about="webhook", is_right=False, found="event destinations may not be read", do=do)
    here = [one for one in told.data if _comes_here(one, provider)]
    if any(_is_enough(one) for one in here):
        return Checked(about="webhook", is_right=True, found="an event destination sends what is needed here")
    found = "one comes here and is not enough" if here else "none of theirs comes here"
    return Checked(
        about="webhook",
        is_right=False,
        found=found,
        do=f"make or mend an enabled event destination with thin payloads to https://YOUR-HOST/v1/webhooks/{provider}, for "
        + ", ".join(sorted(NEEDED_EVENTS)),
    )


def _comes_here(one: wire.EventDestination, provider: str) -> bool:
    url = one.webhook_endpoint.url if one.webhook_endpoint is not None else None
    return url is not None and urlsplit(url).path.rstrip("/").endswith(f"/v1/webhooks/{provider}")


def _is_enough(one: wire.EventDestination) -> bool:
    events = frozenset(one.enabled_events)
    return one.status == ENABLED and one.event_payload == THIN and (ALL in events or events >= NEEDED_EVENTS)
