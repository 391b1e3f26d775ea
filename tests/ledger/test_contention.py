"""Sixty-four clients on one pool, fifty callers on one payout: never overspent, one winner, no raw error for anybody."""

import pytest

from tests.ledger.contention import rounds_on_one_payout, rounds_on_one_pool, rounds_with_one_winner

pytestmark = [pytest.mark.promise("G1", "G3"), pytest.mark.incident("I3", "I7", "I11", "I21")]

POOL_ROUNDS = 25
PAYOUT_ROUNDS = 50
WINNER_ROUNDS = 5


async def test_64_clients_on_one_pool_never_overspend_it(database_dsn, trials):
    trials(await rounds_on_one_pool(database_dsn, POOL_ROUNDS))


async def test_50_at_once_on_one_payout_pay_it_once_at_most(database_dsn, trials):
    trials(await rounds_on_one_payout(database_dsn, PAYOUT_ROUNDS))


async def test_of_50_equal_calls_at_once_one_does_it(database_dsn, trials):
    trials(await rounds_with_one_winner(database_dsn, WINNER_ROUNDS))
