"""The fake provider's list of payouts, in our words."""

from collections.abc import Mapping

from rewardrails.domain.statement import StatementItem
from rewardrails.providers.fake.mapping import money_of, status_of
from rewardrails.providers.fake.wire import PayoutReply
from rewardrails.providers.statements import moment_of, money_or_none

MAX_PAGES = 1_000


def item_of(payout: PayoutReply, exponents: Mapping[str, int]) -> StatementItem:
    """One payout of the list; raises `RewardRailsError` for one without a time."""
    return StatementItem(
        item_id=payout.id,
        reference=payout.reference,
        amount=money_or_none(lambda: money_of(payout.amount, payout.asset, exponents)),
        told=f"{payout.amount} {payout.asset}",
        fee=money_or_none(lambda: money_of(payout.fee, payout.asset, exponents)),
        status=status_of(payout.status),
        provider_status=payout.status,
        at=moment_of(payout.created_at, "fake"),
    )
