"""What hostile input has found before."""

from datetime import UTC, datetime

import pytest

from rewardrails.config import Config
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import Accepted, CreateOutcome, OutcomeUnknown, Rejected
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.errors import ConfigInvalid, ErrorCode, FieldInvalid
from rewardrails.providers import certainty
from rewardrails.providers.certainty import retry_after_seconds
from rewardrails.providers.http import HttpReply
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import opened_core, request, reward, send_all, states

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOT_UTF8 = "req-\udcff"


@pytest.mark.parametrize(
    "text",
    [
        f"Sun, 06 Nov 1994 08:49:37 {'9' * 39}",
        f"Sun, 06 Nov 1994 08:{'9' * 39}",
        f"{'9' * 39} Nov 1994 08:49:37 GMT",
    ],
)
def test_a_date_beyond_all_bounds_is_no_date_and_the_refusal_stays_certain(text: str) -> None:
    reply = HttpReply(status=429, headers={"retry-after": text}, body=b"")

    outcome = certainty.of_status(reply, certainty.evidence_of(reply))

    assert retry_after_seconds(reply, NOW) is None
    assert isinstance(outcome, Rejected)
    assert outcome.code is ErrorCode.PROVIDER_RATE_LIMITED


@pytest.mark.parametrize(
    "text", ["a = " + "9" * 5_000, "a = " + "[" * 5_000, "a." * 2_000 + "b = 1", "#\n" * 1_000_000]
)
def test_a_configuration_beyond_all_bounds_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigInvalid):
        Config.parse(text, {})


@pytest.mark.promise("G2")
async def test_an_answer_whose_trace_id_is_no_text_is_kept_and_moves_its_payout(database_dsn):
    async def accept(rail: ScriptedRail, order: Order) -> CreateOutcome:
        return Accepted(provider_reference="po_1", evidence=Evidence(trace_id=NOT_UTF8, body=b"\xff"))

    async with opened_core(database_dsn, [ScriptedRail("one", accept)]) as core:
        await request(core, [reward(1)])
        await send_all(core)

        assert list((await states(core)).values()) == ["pending"]


@pytest.mark.promise("G5")
async def test_evidence_that_is_no_text_is_refused_by_name(database_dsn):
    async def lost(rail: ScriptedRail, order: Order) -> CreateOutcome:
        return OutcomeUnknown()

    async with opened_core(database_dsn, [ScriptedRail("one", lost)]) as core:
        (made,) = await request(core, [reward(1)])
        await send_all(core)
        assert made.payout_id is not None

        with pytest.raises(FieldInvalid) as caught:
            await resolve(
                core, made.payout_id, outcome=Resolved.PAID, evidence=f"seen in the statement {NOT_UTF8}", actor="ann"
            )

        assert caught.value.field == "evidence"
