"""What every adapter's check has in common: is anybody there, do they know us, do our clocks agree, is there money?"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

from rewardrails import clock
from rewardrails.domain.assets import format_amount
from rewardrails.domain.money import Money
from rewardrails.providers.base import Checked
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent

CLOCKS_AGREE = timedelta(seconds=30)
"""Signatures and tokens are refused by clocks that differ by minutes; this much is no trouble anywhere."""


def unreachable(address: str, error: NeverSent | MaybeSent) -> Checked:
    """Nobody answered."""
    return Checked(
        about="connection",
        is_right=False,
        found=f"{address} did not answer: {error}",
        do="look at the network, the proxy and the provider's status page; is the address the one of this environment?",
    )


def answered(
    address: str, reply: HttpReply, *, permission: str, also_right: frozenset[int] = frozenset()
) -> Iterator[Checked]:
    """Whether the provider knows our credentials, and `permission` is theirs; and what its clock says.

    `also_right` are the statuses that say so besides success, where something is asked for that is not there.
    """
    yield Checked(about="connection", is_right=True, found=f"{address} answers")
    match reply.status:
        case 401:
            yield Checked(
                about="credentials",
                is_right=False,
                found="not known there (401)",
                do="are they those of this environment, whole and not revoked?",
            )
        case 403:
            yield Checked(
                about="permissions",
                is_right=False,
                found=f"known, and may not (403): {permission}",
                do=f"give them the permission: {permission}",
            )
        case status if status < 400 or status in also_right:
            yield Checked(about="credentials", is_right=True, found="known there, and they may look")
        case status:
            yield Checked(
                about="credentials",
                is_right=False,
                found=f"the provider answered {status}",
                do="look at the settings that name the account, and at the provider's status page",
            )
    yield from _clocks(reply)


def holdings(held: Sequence[Money], exponents: Mapping[str, int]) -> Iterator[Checked]:
    """What the provider holds of what we pay."""
    told = {money.asset: money.amount_minor for money in held}
    for asset in sorted(exponents):
        amount = told.get(asset)
        if amount is None:
            continue
        yield Checked(
            about=f"balance {asset}",
            is_right=amount > 0,
            found=f"{format_amount(amount, exponents[asset])} {asset}",
            do="" if amount > 0 else "top it up: nothing can be paid out of it",
        )


def _clocks(reply: HttpReply) -> Iterator[Checked]:
    try:
        theirs = parsedate_to_datetime(reply.headers.get("date", ""))
    except ValueError:
        return
    apart = abs(clock.now() - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)))
    agree = apart <= CLOCKS_AGREE
    yield Checked(
        about="clock",
        is_right=agree,
        found=f"{apart.total_seconds():.0f} s apart",
        do="" if agree else "set this machine's clock (NTP): signatures and tokens will be refused",
    )
