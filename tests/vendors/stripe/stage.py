"""An engine that pays over our double of Stripe, and what its tests do with the two."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.reward import RewardRow
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine.core import Core
from rewardrails.engine.send import claim, send
from rewardrails.engine.webhooks import store_notices, verify
from rewardrails.testing.contract import News, SignedBy
from tests.support.season import BUDGET, CONFIG, opened_core, reward
from tests.vendors.stripe.double import Made, StripeDouble, StripeNotices
from tests.vendors.stripe.test_steps import provider_of

WITH_FEES = CONFIG.replace('parser = "email"', 'parser = "note"').replace(
    "[providers.two]", "[providers.one.fees]\nbasis_points = 500\n[providers.two]"
)
MOST_ATTEMPTS = 30


@asynccontextmanager
async def opened(
    dsn: str, *, call_timeout_seconds: float = 3.0, **settings: object
) -> AsyncIterator[tuple[Core, StripeDouble]]:
    async with StripeDouble() as double:
        told = {"lookup_lag_seconds": 0.0, "first_sync_after_seconds": 0.2} | settings
        provider = provider_of(double, call_timeout_seconds=call_timeout_seconds, **told)  # type: ignore[arg-type]
        try:
            async with opened_core(dsn, [provider], config=WITH_FEES) as core:
                yield core, double
        finally:
            await provider.close()


def rewards(count: int) -> list[RewardRow]:
    return [reward(number, value=f"acct_player{number}") for number in range(count)]


def notice(made: Made, event: str, status: ObservedStatus, about: str = "payout_intent") -> WebhookRequest:
    """What Stripe says of an intent, or of the payment that it made."""
    at, hand = clock.now(), StripeNotices(about=about)
    news = News(
        event=event,
        at=at,
        status=status,
        rail_key="",
        provider_reference=made.id if about == "payout_intent" else made.payment_id,
        amount=None,  # type: ignore[arg-type] - its notices tell none
        destination=None,  # type: ignore[arg-type]
    )
    body = hand.write(news)
    return WebhookRequest(body=body, headers=hand.sign(body, event=event, at=at, by=SignedBy.VENDOR), received_at=at)


async def tell(core: Core, *notices: WebhookRequest) -> None:
    await store_notices(core, [verify(core, "one", one) for one in notices])


async def crash_in(core: Core, double: StripeDouble) -> None:
    """A worker dies while Stripe has done its step and not yet answered; its lease is over."""
    provider = core.providers["one"]
    (claimed,) = await claim(core, provider, BUDGET, 1)
    sending = asyncio.create_task(send(core, provider, claimed))
    await asyncio.wait_for(double.silent.wait(), 20)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    async with core.database.transaction() as connection:
        await connection.execute(
            "UPDATE attempt SET lease_until = rr_now() - interval '1 second', sent_at = sent_at - interval '5 minutes'"
        )


def intents_of(double: StripeDouble, payout_id: UUID) -> Sequence[Made]:
    """Every intent that any attempt of a payout made."""
    keys = [AttemptRef(payout_id=payout_id, attempt_no=number).rail_key for number in range(1, MOST_ATTEMPTS)]
    return [made for key in keys for made in double.made(key)]


def paid_for(double: StripeDouble, payouts: Mapping[UUID, str]) -> dict[UUID, int]:
    """How often Stripe paid each payout."""
    return {payout: sum(made.paid for made in intents_of(double, payout)) for payout in payouts}
