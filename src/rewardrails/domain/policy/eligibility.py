"""Whether this player may be paid here: places, age, and checks made elsewhere."""

from collections.abc import Iterator

from rewardrails.domain.policy.case import Case, CheckKind, CheckResult
from rewardrails.domain.policy.places import covered, touched
from rewardrails.domain.policy.rules import Eligibility
from rewardrails.domain.policy.verdict import Outcome, Owner, Verdict
from rewardrails.errors import ErrorCode

PLACE = "jurisdiction"
PLAYER = "player_checks"


def jurisdiction(case: Case) -> Verdict:
    """Hold where campaign or rail does not pay, also when the rule came after the payout, or what it came under is gone."""
    place = case.subject.jurisdiction
    if (gone := _gone(case)) is not None:
        return gone
    for name, rule in _rules(case):
        if touched(place, rule.deny) or (rule.allow and not covered(place, rule.allow)):
            return Verdict(
                gate=PLACE,
                outcome=Outcome.HOLD,
                code=ErrorCode.JURISDICTION_NOT_ALLOWED,
                why=f"{name} does not pay out in {place}",
                next_step="cancel it, or change the rule and release it",
                owner=Owner.COMPLIANCE,
                inputs={"jurisdiction": place},
            )
    return Verdict(gate=PLACE, inputs={"jurisdiction": place})


def _gone(case: Case) -> Verdict | None:
    """A payout whose campaign, asset or kind of destination was taken out of the configuration has no rules left: it stays."""
    subject, rules = case.subject, case.rules
    if rules.payable is None:
        return None
    why, code = "", ErrorCode.CAMPAIGN_UNKNOWN
    if subject.campaign not in rules.campaigns:
        why = f"the campaign {subject.campaign} is not configured any more"
    elif subject.asset not in rules.payable:
        why, code = f"{subject.asset} may not be paid out any more", ErrorCode.ASSET_NOT_REDEEMABLE
    elif subject.destination_kind not in rules.destinations:
        why = f"the destination kind {subject.destination_kind} is not configured any more"
        code = ErrorCode.DESTINATION_UNSUPPORTED
    if not why:
        return None
    return Verdict(
        gate=PLACE,
        outcome=Outcome.HOLD,
        code=code,
        why=why,
        next_step="put it back into the configuration and release it, or cancel it",
        owner=Owner.OPERATOR,
        inputs={"campaign": subject.campaign, "asset": subject.asset, "kind": subject.destination_kind},
    )


def player_checks(case: Case) -> Verdict:
    """Hold unless every check asked for has passed and has not expired."""
    ages = [rule.minimum_age for _, rule in _rules(case) if rule.minimum_age is not None]
    wanted = {check for _, rule in _rules(case) for check in rule.checks} | ({CheckKind.AGE} if ages else set())
    inputs = {}
    for kind in sorted(CheckKind(check) for check in wanted):
        inputs[kind.value] = said = _standing(case, kind, max(ages, default=0))
        if said != CheckResult.PASSED:
            return Verdict(
                gate=PLAYER,
                outcome=Outcome.HOLD,
                # A player is asked for what they can do, and never told that somebody looked at sanctions.
                code=ErrorCode.SCREENING_HOLD if kind is CheckKind.SANCTIONS else ErrorCode.PLAYER_ACTION_REQUIRED,
                why=f"the player's {kind.value} check is {said}",
                next_step="have the player checked; the game's backend tells the result, and the payout goes on by itself",
                owner=Owner.COMPLIANCE,
                inputs=inputs,
            )
    return Verdict(gate=PLAYER, inputs=inputs)


def _standing(case: Case, kind: CheckKind, minimum_age: int) -> str:
    check = case.facts.checks.get(kind)
    if check is None:
        return "missing"
    if check.expires_at <= case.leaves_by:
        return "expired"
    if check.result is not CheckResult.PASSED:
        return check.result.value
    if kind is CheckKind.AGE and (check.age is None or check.age < minimum_age):
        return f"not enough ({minimum_age} years are needed)"
    return CheckResult.PASSED.value


def _rules(case: Case) -> Iterator[tuple[str, Eligibility]]:
    subject, rules = case.subject, case.rules
    if subject.campaign in rules.campaigns:
        yield f"campaign {subject.campaign}", rules.campaigns[subject.campaign]
    if subject.provider in rules.providers:
        yield f"provider {subject.provider}", rules.providers[subject.provider or ""]
