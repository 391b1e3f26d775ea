"""Steps of everybody outside the workers: the game, the post, the rails, people."""

from datetime import datetime, timedelta

from rewardrails.domain.observation import ObservedStatus
from rewardrails.engine.resolve import Resolved
from rewardrails.testing.simulation import jobs
from rewardrails.testing.simulation.forging import forged
from rewardrails.testing.simulation.post import Lie, Notice
from rewardrails.testing.simulation.step import Step, Verb
from rewardrails.testing.simulation.turns import Stop
from rewardrails.testing.simulation.virtual import EPOCH
from rewardrails.testing.simulation.world import API, World

_UNREAD = frozenset({Stop.START, Stop.FIRST_BYTE})
_NEXT = {
    ObservedStatus.PENDING: frozenset({ObservedStatus.PAID, ObservedStatus.FAILED}),
    ObservedStatus.PAID: frozenset({ObservedStatus.RETURNED}),
}


async def reward(world: World, step: Step) -> str | None:
    """The game asks for a reward, perhaps not for the first time."""
    name = f"the game's request for reward {step.number}{' with other content' if step.what else ''}"
    if world.turns.find(name):
        return None
    world.turns.begin(name, API, jobs.take_on(world, step.number, change=7 if step.what else 0))
    return f"There is {name}."


async def deliver(world: World, step: Step) -> str | None:
    """A notice comes to our door, perhaps to come again."""
    notice = _notice(world, step.number)
    name = f"notice {step.number}"
    if notice is None or world.turns.find(name):
        return None
    world.turns.begin(name, API, _take(world, notice, again=bool(step.what)))
    lie = f", a lie {notice.lie.value}" if notice.lie else ""
    again = ", and will come again" if step.what else ""
    return f"Notice {step.number} ({notice.about}{lie}) comes to the route of {notice.rail}{again}."


async def lose(world: World, step: Step) -> str | None:
    """A notice never arrives."""
    notice = _notice(world, step.number)
    if notice is None:
        return None
    world.notices.remove(notice)
    return f"Notice {step.number} ({notice.about}) gets lost."


async def forge(world: World, step: Step) -> str | None:
    """Somebody puts a notice in the post that must move nothing."""
    made = forged(world, step.number, Lie(step.what), ObservedStatus(step.who))
    if made is None:
        return None
    world.notices.append(made)
    return f"Somebody posts notice {made.number} ({made.about}), a lie {made.lie}."


async def rail(world: World, step: Step) -> str | None:
    """A rail goes on with a payout of its own accord."""
    at, status = world.rails[step.who], ObservedStatus(step.what)
    if not 0 < step.number <= len(at.journal.creations):
        return None
    creation = at.journal.creations[step.number - 1]
    if status not in _NEXT.get(creation.status, ()) or (status is ObservedStatus.RETURNED and not at.profile.reverses):
        return None
    at.move(creation, status)
    return f"At {step.who} the payout of reward {world.reward_of(creation.payout)} is now {status.value}."


async def arrive(world: World, step: Step) -> str | None:
    """A request that was late arrives."""
    at = world.rails[step.who]
    if not at.late:
        return None
    made = at.take_late()
    what = f"the payout of reward {world.reward_of(made.payout)} stands" if made else "nothing comes of it"
    return f"A late request arrives at {step.who}: {what}."


async def person(world: World, step: Step) -> str | None:
    """An operator does something to a payout."""
    payout, verb = world.snapshot.payout(step.number), Verb(step.what)
    name = f"{step.who} ({verb.value} reward {step.number})"
    if payout is None or world.turns.find(name):
        return None
    found = _found(world, step.who, verb, payout.id)
    if found is None and verb in (Verb.RESOLVE, Verb.AGREE):
        return None
    actor = world.turns.begin(name, API, jobs.person(world, step.who, verb, payout, found))
    if verb is Verb.RESOLVE:  # what somebody sees they say at once; nothing we do can tell when a person looked
        world.looked[payout.id] = step.who
        await world.turns.settle()
        await world.turns.go_on(actor, "")
    return f"{step.who} {verb.value} reward {step.number}{f': {found.value}' if found else ''}."


def _found(world: World, who: str, verb: Verb, payout: str) -> Resolved | None:
    """What an operator says: what they see at the rail, or, without looking again, what another saw and said."""
    if verb is Verb.RESOLVE:
        return truth_of(world, payout)
    said = next((one for one in world.snapshot.proposals if one.payout == payout), None)
    if verb is not Verb.AGREE or said is None or said.by == who or world.looked.get(payout) != said.by:
        return None
    return Resolved(said.outcome)


def truth_of(world: World, payout: str) -> Resolved | None:
    """What honest people say of a payout: what they see at the rail, and nothing while a request may still be on its way."""
    creations = [one for at in world.rails.values() for one in at.journal.creations if one.payout == payout]
    standing = [one for one in creations if one.stands]
    if any(actor.about == payout and actor.stop in _UNREAD for actor in world.turns):
        return None
    if any(at.awaits(payout) for at in world.rails.values()):
        return None
    if not standing:
        return Resolved.NOT_PAID
    return Resolved.PAID if all(one.status is ObservedStatus.PAID for one in standing) else None


async def _take(world: World, notice: Notice, *, again: bool) -> None:
    request = notice.delivered(sent_at=_moment(world), received_at=world.time.now())
    stored = await jobs.take_notice(world, notice.rail, request)
    if (stored or notice.lie) and not again and notice in world.notices:
        world.notices.remove(notice)


def _notice(world: World, number: int) -> Notice | None:
    return next((one for one in world.notices if one.number == number), None)


def _moment(world: World) -> datetime:
    return EPOCH + timedelta(seconds=world.time.seconds)
