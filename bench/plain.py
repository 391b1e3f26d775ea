"""The worker everybody writes first: one job a transaction, one call at a time. The bench's yardstick, not for use."""

from rewardrails.domain.money import Money
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.engine.core import Core
from rewardrails.providers.base import RewardPayoutProvider

TAKE = """
UPDATE payout SET state = 'submitting', version = version + 1, last_attempt_no = 1 WHERE id = (
    SELECT id FROM payout WHERE state = 'ready' AND provider = $1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *, (SELECT salt FROM player_secret WHERE player_secret.player_id = payout.player_id) AS salt"""
DONE = "UPDATE payout SET state = 'pending', version = version + 1 WHERE id = $1"


async def work_plainly(core: Core, provider: RewardPayoutProvider, count: int) -> None:
    """Send `count` payouts, one after the other."""
    for _ in range(count):
        async with core.database.transaction() as tx:
            row = await tx.fetchrow(TAKE, provider.name)
        if row is None:
            return
        order = Order(
            ref=AttemptRef(payout_id=row["id"], attempt_no=1),
            amount=Money(amount_minor=row["amount"], asset=row["asset"]),
            destination=core.open_destination(row["destination_ciphertext"], row["destination_key_id"], row["salt"]),
            player_id=row["player_id"],
            campaign=row["campaign"],
            jurisdiction=row["jurisdiction"],
            fee_ceiling=Money(amount_minor=0, asset=row["asset"]),
        )
        await provider.create_payout(order)
        async with core.database.transaction() as tx:
            await tx.execute(DONE, row["id"])
