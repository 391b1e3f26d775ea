"""Why a payout stands where it stands: every gate with its verdict, in words for operators and words for players."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from rewardrails.domain.payout import PayoutState
from rewardrails.domain.policy.verdict import Outcome, Verdict
from rewardrails.engine import floats
from rewardrails.engine.core import Core
from rewardrails.engine.gates.judging import candidate_of, look
from rewardrails.engine.standstill import standstill
from rewardrails.error_codes import CATALOGUE
from rewardrails.errors import ErrorCode, NotFound
from rewardrails.store.sql import sql

# These codes would tell a player why compliance looks at them; all of them say the same.
_COMPLIANCE = frozenset(
    {
        ErrorCode.LEGAL_APPROVAL_MISSING,
        ErrorCode.SCREENING_HOLD,
        ErrorCode.DESTINATION_BLOCKED,
        ErrorCode.LIMIT_EXCEEDED,
        ErrorCode.JURISDICTION_NOT_ALLOWED,
        ErrorCode.APPROVAL_REQUIRED,
        ErrorCode.COOLING_OFF,
    }
)
MASKED = "***"
BEING_CHECKED = "Your payout is being checked. You need not do anything."


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """One thing that stopped, or stops, a payout."""

    gate: str
    code: str | None
    why: str
    owner: str
    opened_by: str | None
    opened_at: datetime
    deadline_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A payout's state, what every gate says now, every hold there was, and what a player may be told."""

    payout_id: UUID
    state: PayoutState
    verdicts: tuple[Verdict, ...]
    holds: tuple[HoldView, ...]
    player_text: str

    def without_words(self) -> "Explanation":
        """The same for eyes that may not see what people wrote: their causes and reasons may name anything."""
        return replace(self, holds=tuple(_without_words(hold) for hold in self.holds))


async def explain(core: Core, payout_id: UUID) -> Explanation:
    """Ask every gate about a payout as it stands now, changing nothing. Raises `NotFound`.

    After them come what keeps it from being sent though they let it pass: its provider's float, pauses, a provider that is off.
    """
    async with core.database.reading() as connection:
        row = await connection.fetchrow(sql("payout_for_gates"), payout_id)
        if row is None:
            raise NotFound(f"there is no payout {payout_id}")
        (judged,) = await look(core, connection, [candidate_of(core, row)], every_counter=True)
        rows = await connection.fetch(sql("holds_of"), payout_id)
        on_its_way = (*await floats.verdicts(core, connection, row), *await standstill(core, connection, row))
    holds = tuple(HoldView(**{key: value for key, value in found.items() if key != "payout_id"}) for found in rows)
    state, verdicts = PayoutState(row["state"]), (*judged.judgement.verdicts, *on_its_way)
    return Explanation(
        payout_id=payout_id,
        state=state,
        verdicts=verdicts,
        holds=holds,
        player_text=player_text(state, _told(state, row["code"], verdicts)),
    )


def _without_words(hold: HoldView) -> HoldView:
    why = MASKED if hold.opened_by is not None else hold.why
    return replace(hold, why=why, reason=MASKED if hold.reason else None)


def player_text(state: PayoutState, code: str | None) -> str:
    """What a player may be told; the reasons of compliance are never among it."""
    if code is not None and ErrorCode(code) not in _COMPLIANCE and CATALOGUE[ErrorCode(code)].player_text:
        return CATALOGUE[ErrorCode(code)].player_text
    match state:
        case PayoutState.PAID:
            return "Your payout has been sent. If you cannot find it yet, look again in a few days."
        case PayoutState.CANCELED:
            return "This payout was canceled."
        case PayoutState.HELD | PayoutState.AWAITING_APPROVAL:
            return BEING_CHECKED
        case _:
            return "Your payout is being worked on."


def _told(state: PayoutState, code: str | None, verdicts: Sequence[Verdict]) -> str | None:
    """The code a player's text follows: none of a held payout's own once compliance has a word in it."""
    looked_at = any(verdict.outcome is Outcome.HOLD and verdict.code in _COMPLIANCE for verdict in verdicts)
    return None if state is PayoutState.HELD and looked_at else code
