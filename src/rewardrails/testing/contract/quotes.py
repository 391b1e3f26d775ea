"""P-05 to P-08: prices and amounts."""

from datetime import timedelta

from rewardrails import clock
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Found
from rewardrails.domain.outcome import Accepted, Settled
from rewardrails.providers.base import SupportsBalance
from rewardrails.testing.contract.base import ContractFixtures
from rewardrails.testing.contract.behaviour import behaviour
from rewardrails.testing.contract.case import Case
from rewardrails.testing.contract.conditions import OVER_A_WIRE

# What goes wrong in binary fractions (0.29, 1.15, 4.35), and the first whole number that a float cannot hold.
AWKWARD_MINOR = (1, 29, 115, 435, 1_001, 99_999_999_999, 2**53 + 1)


class Quotes(ContractFixtures):
    """Quotes, and amounts as they travel."""

    @behaviour(5, "A quote is exact")
    async def test_quote_is_exact(self, case: Case) -> None:
        """The quoted amount is the one asked for, to the smallest unit. The fee is of the same asset, not negative and at
        most what the declared fees allow; the total is their sum.
        """
        for minor in amounts(case):
            asked = case.money(minor)
            quote = await case.provider.quote(case.quote_request(minor))
            ceiling = case.provider.capabilities.fees.ceiling(minor, asked.asset)
            assert quote.amount == asked, f"asked for {asked}, quoted {quote.amount}"
            assert quote.fee.asset == asked.asset, f"the fee of {asked} is in {quote.fee.asset}"
            assert 0 <= quote.fee.amount_minor <= ceiling, f"fee {quote.fee} of {asked}; declared are at most {ceiling}"
            assert quote.total.amount_minor == minor + quote.fee.amount_minor

    @behaviour(6, "A quote ends, later")
    async def test_quote_expires_in_the_future(self, case: Case) -> None:
        """Every quote has an end with a time zone, and it lies ahead; a quote asked for later does not end earlier."""
        first = await case.provider.quote(case.quote_request())
        assert first.expires_at.tzinfo is not None, "expires_at has no time zone"
        assert first.expires_at > clock.now(), "the quote was over before it was given"
        second = await case.provider.quote(case.quote_request())
        assert second.expires_at >= first.expires_at - timedelta(seconds=1)

    @behaviour(7, "A quote pays nothing", applies=OVER_A_WIRE)
    async def test_quote_creates_nothing(self, case: Case) -> None:
        """Asking for a price sends no request that makes a payout."""
        await case.provider.quote(case.quote_request())
        assert case.wire.creations == []

    @behaviour(8, "Money is whole numbers of the smallest unit")
    async def test_money_is_whole(self, case: Case) -> None:
        """Every amount an adapter hands back, in quotes, outcomes, look-ups and balances, is an `int`: no float, no decimal,
        no truth value.
        """
        order = case.order()
        quote = await case.provider.quote(case.quote_request())
        outcome = await case.send(order)
        assert isinstance(outcome, Accepted | Settled), f"an ordinary order was not taken: {outcome!r}"
        await case.settle_lookup()
        seen = await case.sync(order, outcome.provider_reference)
        told: list[Money | None] = [quote.amount, quote.fee]
        told += [outcome.fee] if isinstance(outcome, Settled) else []
        told += [seen.observation.amount, seen.observation.fee] if isinstance(seen, Found) else []
        told += await case.provider.balance() if isinstance(case.provider, SupportsBalance) else []
        for money in told:
            assert money is None or type(money.amount_minor) is int, f"{money!r} is no whole number"


def amounts(case: Case) -> list[int]:
    """Awkward amounts within the limits that the adapter declares for the subject's asset."""
    limits = case.provider.capabilities.assets.get(case.subject.amount.asset)
    if limits is None:
        return [case.subject.amount.amount_minor]
    highest = limits.max_minor if limits.max_minor is not None else max(AWKWARD_MINOR)
    within = [minor for minor in AWKWARD_MINOR if limits.min_minor <= minor <= highest]
    return [case.subject.amount.amount_minor, *within, limits.min_minor, *([highest] if limits.max_minor else [])]
