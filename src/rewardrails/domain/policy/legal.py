"""Nothing leaves over a rail that needs a legal approval without one that covers it now."""

from rewardrails.domain.policy.case import Case, LegalApproval, Usage
from rewardrails.domain.policy.places import covered
from rewardrails.domain.policy.verdict import Outcome, Owner, Verdict
from rewardrails.errors import ErrorCode

GATE = "legal_approval"
ANY = "*"


def legal_approval(case: Case) -> Verdict:
    """Pass with the first approval that names type, adapter, asset, jurisdiction and campaign and has room left."""
    subject = case.subject
    if not subject.needs_legal_approval:
        return Verdict(gate=GATE, inputs={"needed": "no"})
    approval = chosen(case)
    if approval is not None:
        return Verdict(gate=GATE, inputs={"approval": str(approval.id), "until": approval.valid_until.isoformat()})
    named = [approval for approval in case.facts.approvals if _names(case, approval)]
    in_force = [approval for approval in named if approval.valid_from <= case.facts.now]
    why = (
        "every approval that covers this is used up"
        if in_force
        else f"no approval in force covers {subject.asset} by {subject.adapter} to {subject.jurisdiction} "
        f"for campaign {subject.campaign}"
    )
    return Verdict(
        gate=GATE,
        outcome=Outcome.HOLD,
        code=ErrorCode.LEGAL_APPROVAL_MISSING,
        why=why,
        next_step="record an approval and have a second person confirm it",
        owner=Owner.COMPLIANCE,
        passes_at=min((a.valid_from for a in named if a.valid_from > case.facts.now), default=None),
        inputs={"approvals in force": str(sum(a.valid_from <= case.facts.now for a in case.facts.approvals))},
    )


def chosen(case: Case) -> LegalApproval | None:
    """The approval a payout counts under, the one it was counted under first; None when it needs none or has none."""
    if not case.subject.needs_legal_approval:
        return None
    now = case.facts.now
    fitting = [a for a in case.facts.approvals if a.valid_from <= now and _names(case, a) and has_room(case, a)]
    return next((a for a in fitting if a.id == case.facts.legal_approval_id), fitting[0] if fitting else None)


def total_key(approval: LegalApproval, asset: str) -> str:
    """The counter of everything let through under an approval."""
    return f"legal:{approval.id}:{asset}"


def player_key(approval: LegalApproval, asset: str, player_id: str) -> str:
    """The counter of one player under an approval."""
    return f"legal:{approval.id}:{asset}:{player_id}"


def has_room(case: Case, approval: LegalApproval) -> bool:
    """Whether the amount fits what the approval has left; a payout counted under it takes no more."""
    if case.facts.legal_approval_id == approval.id:
        return True
    subject, usage = case.subject, case.facts.usage
    bounds = (
        (approval.max_total_minor, total_key(approval, subject.asset)),
        (approval.max_per_player_minor, player_key(approval, subject.asset, subject.player_id)),
    )
    return all(
        bound is None or usage.get(key, Usage()).amount_minor + subject.amount_minor <= bound for bound, key in bounds
    )


def _names(case: Case, approval: LegalApproval) -> bool:
    subject = case.subject
    return (
        approval.provider_type == subject.provider_type
        and approval.adapter == subject.adapter
        and subject.asset in approval.assets
        and covered(subject.jurisdiction, approval.jurisdictions)
        and (ANY in approval.campaigns or subject.campaign in approval.campaigns)
        and approval.valid_until > case.leaves_by
    )
