"""Asking screeners about destinations that payouts wait for. Whatever is not said for certain is unknown, and holds."""

import asyncio
from collections.abc import Sequence

import asyncpg
import structlog

from rewardrails import clock
from rewardrails.config.model import ScreenerSettings
from rewardrails.domain.destination import Destination
from rewardrails.domain.policy.case import Screening
from rewardrails.engine.addresses import ScreeningAnswer, note_screenings
from rewardrails.engine.core import Core
from rewardrails.screeners.base import Screened, Screener, WhyUnknown, unknown
from rewardrails.store.database import Connection, assert_no_transaction
from rewardrails.store.sql import sql

TURN_MARGIN_SECONDS = 30.0
FIRST_REST_SECONDS = 1.0
LONGEST_REST_SECONDS = 300.0
log = structlog.get_logger(__name__)


async def screen_waiting(core: Core, screener: Screener) -> int:
    """Ask a screener about a batch of destinations whose answer is missing or stale; answers how many were asked about.

    One worker at a time asks a screener. While it answers nothing the pauses grow and the batches shrink to one, so that no
    single destination keeps it from answering for the others.
    """
    settings = core.config.screeners[screener.name]
    picked = await core.database.run(lambda tx: _take_turn(tx, screener, settings))
    if not picked:
        return 0
    destinations = [
        core.open_destination(row["destination_ciphertext"], row["destination_key_id"], row["salt"]) for row in picked
    ]
    said = await _ask(screener, destinations)
    answers = [_answer(core, screener, settings, *one) for one in zip(destinations, said, strict=True)]
    await note_screenings(core, answers)
    answered = any(answer.screening is not Screening.UNKNOWN for answer in answers)
    async with core.database.reading() as connection:
        failures = await connection.fetchval(sql("screener_failures"), screener.name)
        rest = 0.0 if answered else min(LONGEST_REST_SECONDS, FIRST_REST_SECONDS * 2.0 ** min(failures, 20))
        await connection.execute(sql("end_screener_turn"), screener.name, answered, rest)
    if not answered:
        log.warning("screener_answers_nothing", screener=screener.name, reason=answers[0].reason, seconds=rest)
    return len(answers)


async def _take_turn(tx: Connection, screener: Screener, settings: ScreenerSettings) -> Sequence[asyncpg.Record]:
    kinds = sorted(settings.kinds)
    if not await tx.fetchval(sql("anything_to_be_screened"), screener.name, kinds):
        return []
    turn = screener.call_timeout_seconds + TURN_MARGIN_SECONDS
    failures = await tx.fetchval(sql("take_screener_turn"), screener.name, turn)
    if failures is None:
        return []
    limit = max(1, screener.batch_limit >> min(failures, 20))
    rows: Sequence[asyncpg.Record] = await tx.fetch(sql("to_be_screened"), screener.name, kinds, limit)
    return rows


async def _ask(screener: Screener, destinations: Sequence[Destination]) -> Sequence[Screened]:
    """One answer for each, whatever the screener does."""
    assert_no_transaction()
    try:
        async with asyncio.timeout(screener.call_timeout_seconds + TURN_MARGIN_SECONDS / 2):
            said = await screener.screen(destinations)
    except TimeoutError:
        said = [unknown(WhyUnknown.TIMEOUT)] * len(destinations)
    except Exception as error:  # the edge: a screener that breaks has said nothing
        log.warning("screener_failed", screener=screener.name, reason=type(error).__name__)
        said = []
    return said if len(said) == len(destinations) else [unknown(WhyUnknown.SCREENER_FAILED)] * len(destinations)


def _answer(
    core: Core, screener: Screener, settings: ScreenerSettings, destination: Destination, said: Screened
) -> ScreeningAnswer:
    lasts = settings.answers_last
    if said.valid_until is not None:
        lasts = min(lasts, said.valid_until - clock.now())
    if said.verdict is not Screening.UNKNOWN and lasts.total_seconds() <= 0:
        said = unknown(WhyUnknown.STALE_ANSWER, reference=said.reference)
    is_unknown = said.verdict is Screening.UNKNOWN
    return ScreeningAnswer(
        address_digest=core.digest_address(destination),
        screener=screener.name,
        screening=said.verdict,
        lasts=settings.ask_again if is_unknown else lasts,
        reference=said.reference,
        reason=(said.why or WhyUnknown.UNDECIDED).value if is_unknown else "",
    )
