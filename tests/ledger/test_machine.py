"""Ten thousand steps of everything that may happen to a pool, each checked against a model and against the books themselves."""

import pytest

from tests.ledger.play import play

pytestmark = [pytest.mark.promise("G1", "G3"), pytest.mark.incident("I6", "I11", "I12", "I21")]

STEPS = 10_000


def test_books_balance_after_every_step(database_dsn, trials):
    trials(play(database_dsn, steps=STEPS))
