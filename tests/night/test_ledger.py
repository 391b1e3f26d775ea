"""The ledger all night: a million steps, every sequence of six events one by one, twenty thousand contests."""

import os

import pytest

from tests.ledger.contention import rounds_on_one_payout, rounds_on_one_pool, rounds_with_one_winner
from tests.ledger.play import play
from tests.ledger.sequence_rail import Behaviour
from tests.ledger.sequences import Event, all_sequences, sequences_on

pytestmark = [pytest.mark.promise("G1", "G3"), pytest.mark.incident("I3", "I5", "I11", "I13", "I21")]

SCALE = float(os.environ.get("RR_NIGHT_SCALE", "1"))
PARTS = 20
STEPS_A_PART = max(1, int(50_000 * SCALE))
# Events in a sequence after its first one; each length holds every shorter sequence as a beginning.
AFTER_THE_FIRST = 5 if SCALE >= 1 else 3
AT_ONCE = 7**4
POOL_ROUNDS, POOL_PARTS = max(1, int(200 * SCALE)), 25
PAYOUT_ROUNDS, PAYOUT_PARTS = max(1, int(200 * SCALE)), 50
WINNER_ROUNDS, WINNER_PARTS = max(1, int(50 * SCALE)), 25
BEHAVIOURS = [Behaviour.ACCEPTS, Behaviour.LOSES_THE_ANSWER, Behaviour.FINDS_IT_LATE]


@pytest.mark.parametrize("part", range(PARTS))
def test_books_balance_after_every_step(database_dsn, trials, part):
    trials(play(database_dsn, steps=STEPS_A_PART, seed_of_all=1 + part))


@pytest.mark.parametrize("first", Event)
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_every_order_of_six_events_pays_once_and_balances(database_dsn, behaviour, first, trials):
    rest = list(all_sequences(AFTER_THE_FIRST))
    async with sequences_on(database_dsn, behaviour) as runner:
        for start in range(0, len(rest), AT_ONCE):
            await runner.run([(first, *events) for events in rest[start : start + AT_ONCE]])
    trials(len(rest))


@pytest.mark.parametrize("part", range(POOL_PARTS))
async def test_64_clients_on_one_pool_never_overspend_it(database_dsn, trials, part):
    trials(await rounds_on_one_pool(database_dsn, POOL_ROUNDS, seed=1 + part))


@pytest.mark.parametrize("part", range(PAYOUT_PARTS))
async def test_50_at_once_on_one_payout_pay_it_once_at_most(database_dsn, trials, part):
    trials(await rounds_on_one_payout(database_dsn, PAYOUT_ROUNDS, seed=1 + part))


@pytest.mark.parametrize("part", range(WINNER_PARTS))
async def test_of_50_equal_calls_at_once_one_does_it(database_dsn, trials, part):
    trials(await rounds_with_one_winner(database_dsn, WINNER_ROUNDS))
