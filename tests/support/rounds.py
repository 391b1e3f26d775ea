"""Single rounds of a worker, and time that passes between them."""

from rewardrails.domain.observation import Observation, ObservationSource
from rewardrails.domain.order import AttemptRef
from rewardrails.engine.observe import apply_observations, new_seen
from rewardrails.engine.sync import apply_answers, ask, claim_expired, claim_to_sync
from rewardrails.ledger.invariants import verify
from tests.support.season import states


async def only_state(core):
    (state,) = (await states(core)).values()
    return state


async def expire_leases(core):
    async with core.database.transaction() as tx:
        await tx.execute(
            "UPDATE attempt SET lease_until = rr_now() - interval '1 second', sent_at = sent_at - interval '10 minutes'"
            " WHERE state = 'sending'"
        )


async def make_everything_due(core):
    async with core.database.transaction() as tx:
        await tx.execute("UPDATE payout SET due_at = rr_now() - interval '1 second'")
        await tx.execute(
            "UPDATE attempt SET sync_due_at = rr_now() - interval '1 second', sent_at = sent_at - interval '10 minutes'"
            " WHERE sync_due_at IS NOT NULL"
        )


async def recover(core, rail):
    answers = [(asked, await ask(rail, asked)) for asked in await claim_expired(core, rail, 100)]
    await apply_answers(core, rail, answers)
    return len(answers)


async def poll(core, rail):
    await make_everything_due(core)
    answers = [(asked, await ask(rail, asked)) for asked in await claim_to_sync(core, rail, 100)]
    await apply_answers(core, rail, answers)
    return len(answers)


async def tell(core, result, status, *, provider="one", attempt_no=1, **fields):
    seen = new_seen(
        ref=AttemptRef(payout_id=result.payout_id, attempt_no=attempt_no),
        provider=provider,
        source=ObservationSource.WEBHOOK,
        observation=Observation(status=status, **fields),
        actor="provider:one",
    )
    (verdict,) = await apply_observations(core, [seen])
    return verdict


async def assert_books_balance(core):
    report = await verify(core.database)
    assert report.broken == ()
