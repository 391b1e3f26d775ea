"""What the game tells of its players, over the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from rewardrails.api import fields
from rewardrails.api.schemas.common import NO_CONTROL, Cell, FreeText, In, Moment, Name, Out, PlayerId
from rewardrails.domain.policy.case import CheckKind, CheckResult
from rewardrails.engine.erase import MAX_REASON, Erased
from rewardrails.engine.ownership import Challenge, Claim, Proved
from rewardrails.engine.players import CheckReport, RiskReport

MAX_REPORTS = 1000


class CheckIn(In):
    """How a check came out and until when that counts; `reference` names it at whoever made it, `age` in years."""

    player_id: PlayerId
    kind: CheckKind
    result: CheckResult
    reference: Name
    expires_at: Moment
    age: Annotated[int, Meta(ge=0, le=150)] | None = None


class ChecksIn(In):
    """Checks of players; the last one counts where a player and kind come twice."""

    reports: Annotated[list[CheckIn], Meta(min_length=1, max_length=MAX_REPORTS)]

    def read(self) -> list[CheckReport]:
        """What the engine takes. Raises `FieldInvalid`."""
        return [
            CheckReport(
                player_id=one.player_id,
                kind=one.kind,
                result=one.result,
                reference=one.reference,
                expires_at=fields.moment(one.expires_at, f"reports[{at}].expires_at"),
                age=one.age,
            )
            for at, one in enumerate(self.reports)
        ]


class RiskIn(In):
    """A risk score of 0 to 100 with its reasons, and until when it counts."""

    player_id: PlayerId
    score: Annotated[int, Meta(ge=0, le=100)]
    reasons: Annotated[list[Name], Meta(max_length=20)]
    expires_at: Moment


class RisksIn(In):
    """Scores of players; the last one counts where a player comes twice."""

    reports: Annotated[list[RiskIn], Meta(min_length=1, max_length=MAX_REPORTS)]

    def read(self) -> list[RiskReport]:
        """What the engine takes. Raises `FieldInvalid`."""
        return [
            RiskReport(
                player_id=one.player_id,
                score=one.score,
                reasons=tuple(one.reasons),
                expires_at=fields.moment(one.expires_at, f"reports[{at}].expires_at"),
            )
            for at, one in enumerate(self.reports)
        ]


class ErasureIn(In):
    """Why a player is erased: the name of the request, such as a case number, and nothing personal."""

    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON, pattern=NO_CONTROL)]


class ErasureOut(Out):
    """What became of an erasure: done now, or done before."""

    player_id: str
    outcome: Erased


class ReportsTaken(Out):
    """How many reports were taken over."""

    reports: int


class ChallengeIn(In):
    """Which destination, as a reward would name it, the player is to prove, and by which proof."""

    destination_kind: Name
    destination: Cell
    proof: Name
    memo: Cell = ""

    def read(self, player_id: str) -> Claim:
        """What the engine takes."""
        return Claim(
            player_id=player_id,
            destination_kind=self.destination_kind,
            destination=self.destination,
            memo=self.memo,
        )


class ChallengeOut(Out):
    """What must be answered, exactly as it stands in `message`, until when."""

    challenge_id: UUID
    proof: str
    message: str
    expires_at: datetime

    @classmethod
    def of(cls, made: Challenge) -> "ChallengeOut":
        """A challenge over the wire."""
        return cls(challenge_id=made.id, proof=made.proof, message=made.message, expires_at=made.expires_at)


class AnswerIn(In):
    """The answer to a challenge, with the destination it was made for."""

    challenge_id: UUID
    destination_kind: Name
    destination: Cell
    answer: FreeText
    memo: Cell = ""

    def read(self, player_id: str) -> Claim:
        """What the engine takes."""
        return Claim(
            player_id=player_id,
            destination_kind=self.destination_kind,
            destination=self.destination,
            memo=self.memo,
        )


class ProvedOut(Out):
    """What was proved, and how."""

    challenge_id: UUID
    how: str

    @classmethod
    def of(cls, proved: Proved) -> "ProvedOut":
        """A proof over the wire."""
        return cls(challenge_id=proved.challenge_id, how=proved.how)
