"""All gates, in the order in which people are told of them."""

from collections.abc import Callable
from dataclasses import replace

from rewardrails.domain.policy import abuse, approvals, destinations, eligibility, legal, limits
from rewardrails.domain.policy.case import Case
from rewardrails.domain.policy.verdict import Judgement, Outcome, Verdict

Gate = Callable[[Case], Verdict]

GATES: tuple[Gate, ...] = (
    legal.legal_approval,
    eligibility.jurisdiction,
    eligibility.player_checks,
    destinations.address_lists,
    destinations.list_review,
    destinations.screening,
    destinations.shared_destination,
    destinations.cooling_off,
    destinations.ownership_proof,
    abuse.risk,
    limits.limits,
    approvals.approval,
)
# What a person may overrule with a reason; everything else passes only when its cause is gone.
LIFTABLE = frozenset(
    {destinations.LIST_REVIEW, destinations.SHARING, destinations.COOLING_OFF, abuse.GATE, limits.GATE}
)


def judge(case: Case) -> Judgement:
    """Every gate's verdict; pure and total. A gate that a person lifted for exactly this content says so and passes."""
    return Judgement(verdicts=tuple(_lifted(gate(case), case) for gate in GATES))


def _lifted(verdict: Verdict, case: Case) -> Verdict:
    lifted = case.facts.lifted.get(verdict.gate) if verdict.gate in LIFTABLE else None
    if verdict.outcome is Outcome.HOLD and lifted is not None and verdict.severity <= lifted:
        return replace(verdict, outcome=Outcome.PASS, inputs={**verdict.inputs, "lifted": "by a person"})
    return verdict
