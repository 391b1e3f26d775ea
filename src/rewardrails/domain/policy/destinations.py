"""Where the money goes: lists, screening, cooling-off, sharing, proof of ownership."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from rewardrails.domain.policy.case import Case, ListKind, Screening
from rewardrails.domain.policy.rules import DestinationRule
from rewardrails.domain.policy.verdict import Outcome, Owner, Verdict
from rewardrails.errors import ErrorCode

LISTS = "address_lists"
LIST_REVIEW = "list_review"
SCREENING = "screening"
COOLING_OFF = "cooling_off"
SHARING = "shared_destination"
PROOF = "ownership_proof"
LOOK_AGAIN = timedelta(minutes=1)
"""What waits for a list or a screener is judged again when either is there; this is for what came just then."""
_NO_RULE = DestinationRule()
_ON_LIST = "cancel it; nobody can release it while a list in force names it"
_LISTED = (ListKind.SANCTIONS, ListKind.DENY)


def address_lists(case: Case) -> Verdict:
    """Hold what is on a deny or sanctions list, and everything while a list that must be asked is missing or old."""
    rule, facts = _rule(case), case.facts
    inputs = {standing.name: "listed" if standing.listed else "not listed" for standing in facts.lists}
    hits = [standing for standing in facts.lists if standing.listed]
    for hit in hits:
        if hit.kind is ListKind.SANCTIONS:
            return _hold(
                LISTS, ErrorCode.SCREENING_HOLD, f"the destination is on {hit.name}", inputs, next_step=_ON_LIST
            )
        if hit.kind is ListKind.DENY:
            return _hold(
                LISTS, ErrorCode.DESTINATION_BLOCKED, f"the destination is on {hit.name}", inputs, next_step=_ON_LIST
            )
    if rule.only_listed and not any(hit.kind is ListKind.ALLOW for hit in hits):
        step = "cancel it, or load an allow list with it; it then goes on by itself"
        return _hold(
            LISTS, ErrorCode.DESTINATION_BLOCKED, "the destination is on no allow list", inputs, next_step=step
        )
    sanctions = [standing for standing in facts.lists if standing.kind is ListKind.SANCTIONS]
    stale = [standing.name for standing in sanctions if case.older_than(standing.dated, case.rules.list_age)]
    if rule.screened and (stale or not sanctions):
        why = f"too old to go by: {', '.join(stale)}" if stale else "no sanctions list is loaded"
        step = "load the present list; held payouts then go on by themselves"
        look = facts.now + LOOK_AGAIN
        return _hold(LISTS, ErrorCode.SCREENING_HOLD, why, inputs, next_step=step, passes_at=look)
    return Verdict(gate=LISTS, inputs=inputs)


def list_review(case: Case) -> Verdict:
    """Hold what was found on a list until a person has looked: whoever loads a shorter list lets nothing go by that alone.

    Being listed is worse than having been: who let the latter pass has not let pass that a list names it once more.
    """
    is_listed = any(standing.listed and standing.kind in _LISTED for standing in case.facts.lists)
    if not is_listed and LIST_REVIEW not in case.facts.held_by:
        return Verdict(gate=LIST_REVIEW)
    return _hold(
        LIST_REVIEW,
        ErrorCode.SCREENING_HOLD,
        "a list names the destination" if is_listed else "a list named the destination, and none does any more",
        {},
        next_step="compare it with the source of the list; once no list names it, release it with a reason, or cancel it",
        causes={"listed": 1 if is_listed else 0},
    )


def screening(case: Case) -> Verdict:
    """Hold unless every screener that must be asked says `clear`, and said so lately."""
    inputs = {}
    for name in sorted(_rule(case).screeners):
        result = case.facts.screenings.get(name)
        fresh = result is not None and result.expires_at > case.leaves_by
        said = result.screening if result is not None and fresh else Screening.UNKNOWN
        inputs[name] = said.value if fresh or result is None else "stale"
        if said is Screening.HIT:
            step = "cancel it; nobody can release it, and it goes on by itself if the screener clears it"
            return _hold(SCREENING, ErrorCode.SCREENING_HOLD, f"{name} reports a hit", inputs, next_step=step)
        if said is Screening.UNKNOWN:
            reason = f" ({result.reason})" if result is not None and result.reason else ""
            why = f"{name} could not tell{reason}" if reason else f"{name} has given no answer yet"
            step = "wait for the screener; the payout then goes on by itself"
            look = case.facts.now + LOOK_AGAIN
            return _hold(SCREENING, ErrorCode.SCREENING_HOLD, why, inputs, next_step=step, passes_at=look)
    return Verdict(gate=SCREENING, inputs=inputs)


def cooling_off(case: Case) -> Verdict:
    """Hold what goes to a destination this player has not used for long enough."""
    wait = _rule(case).cooling_off
    ends = case.facts.address.first_seen_at + wait
    inputs = {"used since": case.facts.address.first_seen_at.isoformat()}
    if ends <= case.facts.now:
        return Verdict(gate=COOLING_OFF, inputs=inputs)
    return Verdict(
        gate=COOLING_OFF,
        outcome=Outcome.HOLD,
        code=ErrorCode.COOLING_OFF,
        why="the destination is new for this player",
        next_step=f"nothing: it goes on by itself at {ends.isoformat(timespec='minutes')}",
        owner=Owner.OPERATOR,
        passes_at=ends,
        inputs=inputs,
    )


def shared_destination(case: Case) -> Verdict:
    """Hold a destination that too many players share, and a player with too many destinations."""
    rule, address = _rule(case), case.facts.address
    inputs = {"players": str(address.players), "destinations of the player": str(address.destinations_of_player)}
    why, causes = [], {}
    if rule.max_players is not None and address.players > rule.max_players:
        why.append(f"{address.players} players use this destination")
        causes["players"] = address.players
    if rule.max_per_player is not None and address.destinations_of_player > rule.max_per_player:
        why.append(f"the player uses {address.destinations_of_player} destinations")
        causes["destinations"] = address.destinations_of_player
    if not causes:
        return Verdict(gate=SHARING, inputs=inputs)
    return _hold(SHARING, ErrorCode.LIMIT_EXCEEDED, ", and ".join(why), inputs, causes=causes)


def ownership_proof(case: Case) -> Verdict:
    """Hold above an amount until the player has proved that the destination is theirs."""
    rule, subject = _rule(case), case.subject
    above = rule.prove_above.get(subject.asset)
    proved = case.facts.address.proved_at
    inputs = {"proved": proved.isoformat() if proved else "no"}
    if above is None or subject.amount_minor <= above or (proved and not case.older_than(proved, rule.proof_lasts)):
        return Verdict(gate=PROOF, inputs=inputs)
    return Verdict(
        gate=PROOF,
        outcome=Outcome.HOLD,
        code=ErrorCode.PLAYER_ACTION_REQUIRED,
        why=f"amounts above {above} smallest units need proof that the destination is the player's",
        next_step="ask the player for it; the payout then goes on by itself",
        owner=Owner.PLAYER,
        inputs=inputs,
    )


def _rule(case: Case) -> DestinationRule:
    return case.rules.destinations.get(case.subject.destination_kind, _NO_RULE)


def _hold(
    gate: str,
    code: ErrorCode,
    why: str,
    inputs: dict[str, str],
    *,
    next_step: str = "look into it; then release it with a reason, or cancel it",
    passes_at: datetime | None = None,
    causes: Mapping[str, int] | None = None,
) -> Verdict:
    return Verdict(
        gate=gate,
        outcome=Outcome.HOLD,
        code=code,
        why=why,
        next_step=next_step,
        owner=Owner.COMPLIANCE,
        passes_at=passes_at,
        causes=causes or {},
        inputs=inputs,
    )


NO_LONGER_LISTED = _hold(
    LIST_REVIEW, ErrorCode.SCREENING_HOLD, "a list named the destination, and none does any more", {}
)
"""How a payout is kept for a person that a list named before it went out of force."""
