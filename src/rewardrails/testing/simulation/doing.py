"""Doing a step: what changes in the world, and the sentence that tells it."""

from collections.abc import Awaitable, Callable, Mapping

from rewardrails.errors import RewardRailsError
from rewardrails.testing.simulation import happenings
from rewardrails.testing.simulation.database import ConnectionCut, Fault
from rewardrails.testing.simulation.jobs import do_job
from rewardrails.testing.simulation.rail import Answer, Behaviour
from rewardrails.testing.simulation.step import Job, Step, StepKind
from rewardrails.testing.simulation.turns import Killed, Stop
from rewardrails.testing.simulation.world import RAILS, World

# The engine's margins bear a database clock that steps back by this much in all; forward it may jump as it likes.
BACK_SECONDS = 3.0
_BEHAVIOURS = frozenset(Behaviour)
_ANSWERS = frozenset(Answer)


async def do(world: World, step: Step) -> bool:
    """Do a step and tell it; false when it does not fit the world as it is."""
    sentence = await _DO[step.kind](world, step)
    if sentence is None:
        return False
    await world.turns.settle()
    await _bury(world)
    await tell(world, sentence)
    return True


async def tell(world: World, sentence: str) -> None:
    """End a step: read the database if it changed, and write the sentence with what came of it."""
    before = {one.reward: one.state for one in world.snapshot.payouts}
    if world.pool.take_commits():
        await world.look()
    for one in world.snapshot.payouts:
        if before.get(one.reward) != one.state:
            world.story.note(f"reward {one.reward} is {one.state}")
    world.story.tell(sentence)


async def _bury(world: World) -> None:
    """Look at how actors ended: a process dies whole, and an error that no caller expects is a violation."""
    while ended := world.turns.forget_ended():
        for actor in ended:
            error = actor.error
            if isinstance(error, Killed):
                await _kill_process(world, actor.process)
            elif isinstance(error, ConnectionCut):
                world.story.note("it lost its connection and gave up")
            elif error is not None and not isinstance(error, RewardRailsError):
                world.broken.append(f"{actor.name} broke: {error!r}")


async def _kill_process(world: World, process: str) -> None:
    for other in world.turns:
        if other.process == process and other.stop is not None:
            await world.turns.kill(other)
    world.time.process_off.pop(process, None)
    world.time.stood_still.pop(process, None)
    world.story.note(f"{process} is dead; another takes its place")


async def _pass(world: World, step: Step) -> str | None:
    world.time.seconds += step.seconds
    return f"{step.seconds:g} s pass."


async def _start(world: World, step: Step) -> str | None:
    job, _, rail = step.what.partition(" on ")
    name = f"{step.who} ({step.what})"
    if world.turns.find(name):
        return None
    world.turns.begin(name, step.who, do_job(world, step.who, Job(job), world.rails[rail or RAILS[0]]))
    return f"{step.who} {step.what}."


async def _go_on(world: World, step: Step) -> str | None:
    actor = world.turns.find(step.who)
    if actor is None or actor.stop is None:
        return None
    stop = actor.stop
    if not _fits(stop, step.what):
        return None
    await world.turns.go_on(actor, step.what)
    fault = Fault.parse(step.what) if stop is Stop.DATABASE else None
    return f"{step.who} goes on {_PLACES[stop]}{f', and {fault.words}' if fault else ''}."


def _fits(stop: Stop, word: str) -> bool:
    match stop:
        case Stop.FIRST_BYTE:
            return word in _BEHAVIOURS
        case Stop.QUESTION:
            return word in _ANSWERS
        case Stop.DATABASE:
            return not word or ":" in word
        case _:
            return not word


_PLACES = {
    Stop.START: "from its stored attempt to the call",
    Stop.DATABASE: "into a transaction",
    Stop.FIRST_BYTE: "to its first byte",
    Stop.QUESTION: "to its question",
    Stop.REPLY: "to the answer",
    Stop.SLEEP: "after a rest",
}


async def _kill(world: World, step: Step) -> str | None:
    await _kill_process(world, step.who)
    return f"{step.who} is killed."


async def _suspend(world: World, step: Step) -> str | None:
    forgets = {rail.name for rail in world.rails.values() if rail.profile.window}
    if any(actor.process == step.who and actor.rail in forgets for actor in world.turns):
        return None  # see PATIENCE_SECONDS
    world.time.seconds += step.seconds
    world.time.stood_still[step.who] = world.time.stood_still.get(step.who, 0.0) + step.seconds
    return f"The machine of {step.who} sleeps for {step.seconds:g} s and does not notice."


async def _database_clock(world: World, step: Step) -> str | None:
    back = world.time.database_back + max(0.0, -step.seconds)
    if back > BACK_SECONDS:
        return None
    world.time.database_back = back
    world.time.database_off += step.seconds
    return f"The database's clock jumps by {step.seconds:+g} s."


async def _process_clock(world: World, step: Step) -> str | None:
    world.time.process_off[step.who] = step.seconds
    return f"The clock of {step.who} is now {step.seconds:+g} s off."


_DO: Mapping[StepKind, Callable[[World, Step], Awaitable[str | None]]] = {
    StepKind.WAIT: _pass,
    StepKind.START: _start,
    StepKind.GO_ON: _go_on,
    StepKind.KILL: _kill,
    StepKind.SUSPEND: _suspend,
    StepKind.DATABASE_CLOCK: _database_clock,
    StepKind.PROCESS_CLOCK: _process_clock,
    StepKind.REWARD: happenings.reward,
    StepKind.DELIVER: happenings.deliver,
    StepKind.LOSE: happenings.lose,
    StepKind.FORGE: happenings.forge,
    StepKind.RAIL: happenings.rail,
    StepKind.ARRIVE: happenings.arrive,
    StepKind.PERSON: happenings.person,
}
