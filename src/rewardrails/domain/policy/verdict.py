"""What a gate says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rewardrails.errors import ErrorCode


class Outcome(StrEnum):
    """Whether a payout may pass, from best to worst."""

    PASS = "pass"  # noqa: S105 - a word, no password
    APPROVE = "approve"
    HOLD = "hold"


class Owner(StrEnum):
    """Whose turn it is."""

    OPERATOR = "operator"
    APPROVER = "approver"
    COMPLIANCE = "compliance"
    TREASURER = "treasurer"
    PLAYER = "player"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One gate's answer: `why` and `next_step` for operators, `inputs` what it looked at, without personal data.

    `passes_at` is when time alone may change the answer. `severity` tells a worse case from one that a person
    let pass. What a player is told follows from the code, and the codes of
    compliance reasons all say the same to them.
    """

    gate: str
    outcome: Outcome = Outcome.PASS
    code: ErrorCode | None = None
    why: str = ""
    next_step: str = ""
    owner: Owner | None = None
    passes_at: datetime | None = None
    severity: int = 0
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All verdicts on one payout, in the order of the gates."""

    verdicts: tuple[Verdict, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of them."""
        found = {verdict.outcome for verdict in self.verdicts}
        return Outcome.HOLD if Outcome.HOLD in found else Outcome.APPROVE if Outcome.APPROVE in found else Outcome.PASS

    @property
    def stopped(self) -> tuple[Verdict, ...]:
        """Those that do not let it pass; the first is the one people are told of first."""
        worst = self.outcome
        others = tuple(v for v in self.verdicts if v.outcome not in (Outcome.PASS, worst))
        return tuple(v for v in self.verdicts if v.outcome is worst and worst is not Outcome.PASS) + others

    @property
    def passes_at(self) -> datetime | None:
        """When it is worth judging again though nobody does anything; None while people are needed."""
        holds = [verdict for verdict in self.verdicts if verdict.outcome is Outcome.HOLD]
        if not holds or any(verdict.passes_at is None for verdict in holds):
            return None
        return max(verdict.passes_at for verdict in holds if verdict.passes_at)
