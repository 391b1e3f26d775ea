"""What the game distrusts is looked at by people first."""

from rewardrails.domain.policy.case import Case
from rewardrails.domain.policy.verdict import Outcome, Owner, Verdict
from rewardrails.errors import ErrorCode

GATE = "risk"


def risk(case: Case) -> Verdict:
    """Hold a player whose score is at or over the threshold; who is under review is not let go by time alone."""
    threshold, found = case.rules.risk_threshold, case.facts.risk
    if threshold is None or found is None or found.score < threshold:
        return Verdict(gate=GATE, inputs={"score": str(found.score) if found else "none"})
    if found.expires_at <= case.facts.now and GATE not in case.facts.held_by:
        return Verdict(gate=GATE, inputs={"score": f"{found.score}, expired"})
    return Verdict(
        gate=GATE,
        outcome=Outcome.HOLD,
        code=ErrorCode.SCREENING_HOLD,
        why=f"the risk score is {found.score}, and {threshold} is held",
        next_step="look into it; then release it with a reason, or cancel it",
        owner=Owner.OPERATOR,
        severity=found.score,
        inputs={"score": str(found.score)},
    )
