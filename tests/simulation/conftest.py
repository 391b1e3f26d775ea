"""A database for simulated worlds."""

import pytest
from structlog.testing import capture_logs

from rewardrails.testing.simulation.database import Store


@pytest.fixture
async def store(database_dsn):
    """Emptied before every run."""
    async with Store.opened(database_dsn) as opened:
        with capture_logs():  # the adapters stumble on purpose, again and again
            yield opened
