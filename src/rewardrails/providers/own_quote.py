"""The quote of a rail whose provider quotes nothing: the amount, and the most that its fee schedule can charge."""

from datetime import timedelta

from rewardrails import clock
from rewardrails.domain.money import Money
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.providers.capabilities import FeeSchedule


def own_quote(request: QuoteRequest, fees: FeeSchedule, *, ttl_seconds: float) -> Quote:
    """Computed here, good for `ttl_seconds`."""
    amount = request.amount
    fee = Money(amount_minor=fees.ceiling(amount.amount_minor, amount.asset), asset=amount.asset)
    return Quote(amount=amount, fee=fee, expires_at=clock.now() + timedelta(seconds=ttl_seconds))
