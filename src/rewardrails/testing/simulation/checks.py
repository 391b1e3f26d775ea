"""What must hold after every step, measured against the rails' own journals, and what must hold once all is quiet."""

from rewardrails.domain.observation import ObservedStatus
from rewardrails.providers.capabilities import Lookup
from rewardrails.testing.simulation.snapshot import PayoutNow, Snapshot
from rewardrails.testing.simulation.world import World

ENDED = frozenset({"paid", "failed", "canceled", "returned"})
FLAGGED = frozenset({"outcome_unknown", "held", "awaiting_approval"})
NOT_PAID = frozenset({"failed", "canceled", "returned"})


def violations(world: World) -> list[str]:
    """Broken promises at this moment, in words."""
    found = list(world.broken)
    found += [f"G3: the books do not balance: {rule}" for rule in world.snapshot.broken]
    found += [f"G4: a notice that lies was believed: {notice}" for notice in world.snapshot.bad_notices]
    for rail in world.rails.values():
        found += [f"G1: key {key} came to {rail.name} with other content" for key in rail.journal.changed_content]
    for payout in world.snapshot.payouts:
        found += _of_payout(world, world.snapshot, payout)
    return found


def _of_payout(world: World, snapshot: Snapshot, payout: PayoutNow) -> list[str]:
    creations = [one for rail in world.rails.values() for one in rail.journal.creations if one.payout == payout.id]
    standing = sum(one.stands for one in creations)
    name = f"reward {payout.reward}"
    if standing > 1:
        return [f"G1: {name} is paid twice: {standing} creations stand at the rails"]
    if payout.state == "paid" and not any(one.was_paid for one in creations):
        return [f"G4: {name} is paid here, and no rail ever paid it"]
    live = any(attempt.live for attempt in snapshot.attempts_of(payout.id))
    if standing and not live and payout.state != "paid":
        return [f"G1: {name} is {payout.state} here and may be sent anew, and it stands at a rail"]
    return []


def at_rest(world: World) -> bool:
    """Whether nothing is on its way any more, and nothing can still be found out by asking."""
    return not violations_at_rest(world)


def violations_at_rest(world: World) -> list[str]:
    """What must not be left once everybody has had all the time they need."""
    found = []
    for payout in world.snapshot.payouts:
        name = f"reward {payout.reward}"
        if payout.state not in ENDED | FLAGGED:
            found.append(f"G2: {name} is silently stuck in {payout.state}")
        found += [f"G2: {name} is {payout.state} here, and {word}" for word in _untold(world, payout)]
    return found


def _untold(world: World, payout: PayoutNow) -> list[str]:
    """Truths that a question by our own key would bring out."""
    words = []
    for attempt in world.snapshot.attempts_of(payout.id):
        rail = world.rails[attempt.provider]
        made = rail.journal.of_key(attempt.rail_key)
        if made is None or rail.profile.lookup is not Lookup.OUR_REFERENCE:
            continue
        if payout.state == "outcome_unknown" and attempt.live:
            words.append(f"{rail.name} knows it as {made.status.value}")
        if payout.state == "paid" and attempt.state == "settled" and made.status is not ObservedStatus.PAID:
            words.append(f"{rail.name} has it as {made.status.value}")
    return words
