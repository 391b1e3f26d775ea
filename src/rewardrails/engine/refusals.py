"""What somebody tried to do and was not let: told in the log, though the transaction that refused it left no trace."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid5

import structlog

from rewardrails import clock
from rewardrails.engine.core import Core
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.store import origin
from rewardrails.store.database import LOST
from rewardrails.store.sql import sql

TOLD = frozenset(
    {
        ErrorCode.ASSET_NOT_REDEEMABLE,
        ErrorCode.CONTENT_ALTERED,
        ErrorCode.DATA_ERASED,
        ErrorCode.DESTINATION_BLOCKED,
        ErrorCode.DUPLICATE_CONFLICT,
        ErrorCode.FORBIDDEN,
        ErrorCode.JURISDICTION_NOT_ALLOWED,
        ErrorCode.LEGAL_APPROVAL_MISSING,
        ErrorCode.LIMIT_EXCEEDED,
        ErrorCode.NOT_CANCELABLE,
        ErrorCode.OWNERSHIP_NOT_PROVED,
        ErrorCode.PAYOUTS_PAUSED,
        ErrorCode.PROOF_REQUIRED,
        ErrorCode.PROVIDER_DISABLED,
        ErrorCode.STATE_CONFLICT,
        ErrorCode.STEP_UP_REQUIRED,
        ErrorCode.VALUE_ALREADY_REVEALED,
        ErrorCode.WEBHOOK_SIGNATURE_INVALID,
        ErrorCode.WEBHOOK_STALE,
        ErrorCode.WEBHOOK_SUBJECT_MISMATCH,
    }
)
"""Refusals of right or policy. Mistakes in what was sent are none, and who is not known leaves nothing."""
PER_MINUTE = 200
"""How many refusals of one actor's one action are told in one minute; nobody fills the log by asking."""
PER_OBJECT = 5
"""How many of them are told about one object: the same refusal again and again hides none about another one."""
_TRIES = 3
_KEPT_FULL = 4096
_SUBJECTS = UUID("6f1c2d0e-7a53-5c7e-9f0b-2f6b1f5f6a11")
_first_id = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").search
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What was tried: by whom, which action, on what (None: not known)."""

    actor: str
    action: str
    object: str | None = None


class Refusals:
    """Tells refusals of one process, and remembers for a minute who has had enough of them told."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._minute = ""
        self._full: set[tuple[UUID, str | None]] = set()

    async def tell(self, attempted: Attempted, error: RewardRailsError) -> None:
        """Write `action.refused`, if the refusal is of the kind that is told; never raises when that cannot be done."""
        if error.code not in TOLD:
            return
        subject, data = self._subject(attempted), _data(attempted, error)
        known = (subject, data.get("object"))
        if known in self._full:
            return
        try:
            told = await self._write(subject, data, attempted.actor, error.code)
        except LOST as lost:
            log.warning("refusal_not_told", action=attempted.action, code=error.code.value, reason=type(lost).__name__)
            return
        if not told and len(self._full) < _KEPT_FULL:
            self._full.add(known)

    def _subject(self, attempted: Attempted) -> UUID:
        minute = f"{clock.now():%Y-%m-%dT%H:%M}"
        if minute != self._minute:
            self._minute = minute
            self._full.clear()
        return uuid5(_SUBJECTS, "\x1f".join((attempted.actor, attempted.action, minute)))

    async def _write(self, subject: UUID, data: Mapping[str, str], actor: str, code: ErrorCode) -> bool:
        async with self._core.database.reading() as connection:
            for _ in range(_TRIES):  # two at once take the same place, and one of them tries again
                version = await connection.fetchval(
                    sql("record_refusal"),
                    subject,
                    json.dumps(data),
                    actor,
                    origin.current(),
                    code.value,
                    PER_MINUTE,
                    PER_OBJECT,
                )
                if version is not None:
                    return True
        return False


def _data(attempted: Attempted, error: RewardRailsError) -> Mapping[str, str]:
    named = _first_id(error.message)
    concerned = attempted.object or (named[0] if named else None)
    return {"action": attempted.action} | ({"object": concerned} if concerned else {})
