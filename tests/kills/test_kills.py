"""API and workers are killed (`kill -9`) at random moments while they pay a season."""

import pytest

from tests.kills.chance import seeded_chance
from tests.kills.season import pay_while_killing

PAYOUTS = 200
KILLS = 20


@pytest.mark.promise("G1", "G2", "G3", "G8")
@pytest.mark.incident("I2", "I4")
async def test_killed_processes_pay_nobody_twice_and_forget_nobody(tmp_path, database_dsn, trials):
    await pay_while_killing(tmp_path, database_dsn, seeded_chance(), payouts=PAYOUTS, kills=KILLS)
    trials(KILLS)
