"""Rails that pay by a code."""

from dataclasses import replace
from uuid import UUID

import pytest

from rewardrails.engine.core import Core
from rewardrails.engine.values import RevealCall
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, give
from tests.support.season import request, reward, send_all

HANDS_OVER = replace(CAPABILITIES, hands_over_values=True)


@pytest.fixture
def rail() -> ScriptedRail:
    return ScriptedRail("one", give, HANDS_OVER)


async def paid(core: Core, *numbers: int) -> list[UUID]:
    """Rewards that were paid by codes."""
    made = await request(core, [reward(number) for number in numbers])
    await send_all(core)
    return [one.payout_id for one in made]


def call(payout_id: UUID, *, number: int = 1, **more: str | None) -> RevealCall:
    """What player `number`'s game asks; it made the payout under the name `test`."""
    return RevealCall(payout_id=payout_id, player_id=f"player:{number}", **{"actor": "test", "made_by": "test"} | more)


def code_of(payout_id: UUID, attempt_no: int = 1) -> str:
    return f"CODE-{payout_id.hex}-{attempt_no}"
