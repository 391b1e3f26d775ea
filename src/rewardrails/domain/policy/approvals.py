"""How many people must agree, and how many have."""

from datetime import timedelta

from rewardrails.domain.policy.case import Case
from rewardrails.domain.policy.rules import ApprovalRule
from rewardrails.domain.policy.verdict import Outcome, Owner, Verdict
from rewardrails.errors import ErrorCode

GATE = "approval"


def approval(case: Case) -> Verdict:
    """Wait for as many distinct people as the strictest rule asks for; the author never counts."""
    needs = max((rule.needs for rule in case.rules.approvals if _applies(rule, case)), default=0)
    given = {
        sign_off.approver
        for sign_off in case.facts.sign_offs
        if sign_off.content_digest == case.subject.content_digest and sign_off.approver != case.subject.created_by
    }
    inputs = {"needed": str(needs), "given": str(len(given))}
    if len(given) >= needs:
        return Verdict(gate=GATE, inputs=inputs)
    return Verdict(
        gate=GATE,
        outcome=Outcome.APPROVE,
        code=ErrorCode.APPROVAL_REQUIRED,
        why=f"{needs - len(given)} more of {needs} approvals",
        next_step="somebody who may approve and did not create it approves or refuses it",
        owner=Owner.APPROVER,
        inputs=inputs,
    )


def freshness(case: Case) -> timedelta | None:
    """How lately an approver must have proved who they are: the strictest of the rules that apply; None where none asks."""
    asked = [rule.fresh for rule in case.rules.approvals if rule.fresh is not None and _applies(rule, case)]
    return min(asked, default=None)


def _applies(rule: ApprovalRule, case: Case) -> bool:
    subject, total = case.subject, case.facts.batch_total_minor
    return (
        rule.asset in (None, subject.asset)
        and (rule.above_minor is None or subject.amount_minor > rule.above_minor)
        and (rule.batch_above_minor is None or (total is not None and total > rule.batch_above_minor))
        and (not rule.campaigns or subject.campaign in rule.campaigns)
        and (not rule.providers or subject.provider in rule.providers)
        and (not rule.pools or subject.pool in rule.pools)
        and (not rule.creators or bool(rule.creators & (case.facts.authors | {subject.created_by})))
    )
