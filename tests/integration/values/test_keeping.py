"""A rail's code is there whenever the payout is paid, once, whatever breaks in between."""

import asyncpg
import pytest

from rewardrails.domain.bearer import BearerValue
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import Accepted, CreateOutcome, Settled
from rewardrails.engine import notice_codec, resolve, values
from rewardrails.engine.observe import Verdict, apply_observations, new_seen
from rewardrails.engine.send import claim, send
from rewardrails.engine.sync import apply_answers, ask, claim_expired, claim_to_sync
from tests.integration.values.conftest import HANDS_OVER, call, code_of, paid
from tests.support.scripted_rail import ScriptedRail, explode, give
from tests.support.season import BUDGET, opened_core, request, reward, send_all, states

pytestmark = [pytest.mark.promise("G1", "G2", "G6")]


async def ask_all(core, rail) -> None:
    async with core.database.transaction() as tx:
        await tx.execute("UPDATE attempt SET sync_due_at = rr_now() WHERE sync_due_at IS NOT NULL")
    asked = await claim_to_sync(core, rail, 100)
    await apply_answers(core, rail, [(one, await ask(rail, one)) for one in asked])


async def rows(core) -> list[asyncpg.Record]:
    async with core.database.reading() as connection:
        return await connection.fetch("SELECT * FROM bearer_value ORDER BY payout_id, attempt_no")


async def test_paid_and_its_value_are_learnt_together_and_the_value_is_sealed(database_dsn, rail):
    async with opened_core(database_dsn, [rail]) as core:
        (payout_id,) = await paid(core, 1)

        (row,) = await rows(core)
        assert (row["payout_id"], row["attempt_no"]) == (payout_id, 1)
        assert code_of(payout_id).encode() not in row["sealed"]
        assert (await values.reveal(core, call(payout_id))).value.code == code_of(payout_id)


@pytest.mark.incident("I2")
async def test_a_crash_before_the_answer_was_stored_has_the_rail_asked_for_the_value_again(database_dsn, rail):
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        (claimed,) = await claim(core, rail, BUDGET, 1)
        await send(core, rail, claimed)  # and what it answered is gone with its process
        assert await rows(core) == []
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE attempt SET lease_until = rr_now() - interval '1 second'")

        (asked,) = await claim_expired(core, rail, 10)
        await apply_answers(core, rail, [(asked, await ask(rail, asked))])

        assert set((await states(core)).values()) == {"paid"}
        assert len(await rows(core)) == 1
        assert (await values.reveal(core, call(claimed.ref.payout_id))).value.code == code_of(claimed.ref.payout_id)
        assert rail.double_pays == []


@pytest.mark.incident("I2")
async def test_when_the_value_cannot_be_stored_nothing_of_the_answer_is(database_dsn, rail):
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        (claimed,) = await claim(core, rail, BUDGET, 1)
        seen = await send(core, rail, claimed)
        owner = await asyncpg.connect(database_dsn)
        try:
            await owner.execute("ALTER TABLE bearer_value ADD CONSTRAINT broken CHECK (attempt_no > 1)")
            with pytest.raises(asyncpg.CheckViolationError):
                await apply_observations(core, [seen])
            assert set((await states(core)).values()) == {"submitting"}
            await owner.execute("ALTER TABLE bearer_value DROP CONSTRAINT broken")
        finally:
            await owner.close()

        assert await apply_observations(core, [seen]) == [Verdict.APPLIED]
        assert await apply_observations(core, [seen]) != [Verdict.APPLIED]

        assert set((await states(core)).values()) == {"paid"}
        assert len(await rows(core)) == 1


@pytest.mark.parametrize("script", ["call", "accepted"])
async def test_paid_without_its_value_is_not_paid_yet(database_dsn, script):
    async def accepted(of: ScriptedRail, order: Order) -> CreateOutcome:
        return Accepted(provider_reference=of.accept(order, ObservedStatus.PAID))

    rail = ScriptedRail("one", give if script == "call" else accepted, HANDS_OVER)
    rail.keeps_value_back = True
    async with opened_core(database_dsn, [rail]) as core:
        (payout_id,) = await paid(core, 1)
        await ask_all(core, rail)
        assert set((await states(core)).values()) <= {"outcome_unknown", "pending"}
        assert await rows(core) == []

        rail.keeps_value_back = False
        await ask_all(core, rail)

        assert set((await states(core)).values()) == {"paid"}
        assert (await values.reveal(core, call(payout_id))).value.code == code_of(payout_id)
        assert rail.double_pays == []


async def test_what_people_called_paid_is_asked_about_until_its_value_is_there(database_dsn):
    rail = ScriptedRail("one", explode, HANDS_OVER)
    rail.keeps_value_back = True
    async with opened_core(database_dsn, [rail]) as core:
        (payout_id,) = await paid(core, 1)
        for person in ("operator:a", "operator:b"):
            said = {"outcome": resolve.Resolved.PAID, "evidence": "their statement, line 4"}
            await resolve.resolve(core, payout_id, actor=person, **said)
        assert set((await states(core)).values()) == {"paid"}
        for _ in range(3):
            await ask_all(core, rail)
        rail.keeps_value_back = False

        await ask_all(core, rail)

        assert (await values.reveal(core, call(payout_id))).value.code == code_of(payout_id)


async def test_the_first_value_of_an_attempt_counts_and_a_repeat_makes_no_second(database_dsn, rail):
    async with opened_core(database_dsn, [rail]) as core:
        (payout_id,) = await paid(core, 1)
        before = await rows(core)

        await apply_observations(core, [_told(core, payout_id, value=BearerValue(code="OTHER"))])

        assert await rows(core) == before
        assert (await values.reveal(core, call(payout_id))).value.code == code_of(payout_id)


@pytest.mark.incident("I24")
async def test_the_value_of_another_amount_is_not_kept(database_dsn, rail):
    async with opened_core(database_dsn, [rail]) as core:
        (made,) = await request(core, [reward(1)])
        await claim(core, rail, BUDGET, 1)
        odd = Money(amount_minor=999, asset="EUR")
        seen = _told(core, made.payout_id, value=BearerValue(code="ODD"), amount=odd)

        await apply_observations(core, [seen])

        assert set((await states(core)).values()) == {"outcome_unknown"}
        assert await rows(core) == []


async def test_the_raw_answer_that_held_a_value_is_not_kept_as_evidence(database_dsn, rail):
    async def wordy(of: ScriptedRail, order: Order) -> CreateOutcome:
        value = of.value_of(order.rail_key)
        assert value is not None
        body = f'{{"code": "{value.code}"}}'.encode()
        reference = of.accept(order, ObservedStatus.PAID)
        return Settled(provider_reference=reference, value=value, evidence=Evidence(body=body, message="sold"))

    rail.script = wordy
    async with opened_core(database_dsn, [rail]) as core:
        (payout_id,) = await paid(core, 1)

        async with core.database.reading() as connection:
            row = await connection.fetchrow(
                "SELECT evidence, evidence_key_id, salt FROM observation JOIN payout ON payout.id = payout_id"
                " JOIN player_secret USING (player_id)"
            )
        kept = core.open_evidence(row["evidence"], row["evidence_key_id"], row["salt"])
        assert b"sold" in kept
        assert code_of(payout_id).encode() not in kept


async def test_a_notice_carries_no_value_and_pays_nothing_without_it(database_dsn, rail):
    told = Observation(status=ObservedStatus.PAID, rail_key="k", value=BearerValue(code="NOTICE"))

    (read,) = notice_codec.decode(notice_codec.encode([told]), "e-1")

    assert read.value is None
    async with opened_core(database_dsn, [rail]) as core:
        (made,) = await request(core, [reward(1)])
        rail.script = explode
        await send_all(core)
        seen = _told(core, made.payout_id, value=None, source=ObservationSource.WEBHOOK)
        assert await apply_observations(core, [seen]) == [Verdict.NO_CHANGE]
        assert set((await states(core)).values()) == {"outcome_unknown"}
        async with core.database.reading() as connection:
            assert await connection.fetchval("SELECT sync_due_at <= rr_now() FROM attempt"), "the rail is asked at once"


def _told(core, payout_id, *, value, amount=None, source=ObservationSource.SYNC):
    observation = Observation(status=ObservedStatus.PAID, value=value, amount=amount)
    ref = AttemptRef(payout_id=payout_id, attempt_no=1)
    return new_seen(ref=ref, provider="one", source=source, observation=observation, actor="test")
