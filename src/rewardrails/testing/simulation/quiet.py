"""The end of a run: no more faults, everybody does their work, and time passes until nothing is left to find out."""

from rewardrails.domain.observation import ObservedStatus
from rewardrails.testing.simulation.checks import at_rest, violations
from rewardrails.testing.simulation.doing import do
from rewardrails.testing.simulation.step import Job, Step, StepKind, is_useful
from rewardrails.testing.simulation.turns import Stop
from rewardrails.testing.simulation.world import WORKERS, World

# Long enough for every schedule of the engine: leases, retries (an hour at most), questions (an hour at most).
PAUSES = (1.0, 60.0, 600.0, *(3700.0,) * 8, 90_000.0)
_WORKER = WORKERS[0]


async def come_to_rest(world: World) -> list[str]:
    """Let everything end; answers what is broken on the way (nothing: an empty list)."""
    world.story.remark("From here on nothing goes wrong any more.")
    world.story.brief = True
    world.time.process_off.clear()
    broken = await _finish(world)
    for pause in PAUSES:
        if broken:
            return broken
        await do(world, Step(kind=StepKind.WAIT, seconds=pause))
        broken = await _round(world)
        if not broken and at_rest(world) and not world.snapshot.waiting_notices:
            return []
    return broken


async def _round(world: World) -> list[str]:
    for rail in world.rails.values():
        for job in (Job.RECOVER, Job.POLL, Job.LAPSE, Job.SEND):
            if not is_useful(world.snapshot, job, rail.name):
                continue
            await do(world, Step(kind=StepKind.START, who=_WORKER, what=f"{job} on {rail.name}"))
            if broken := await _finish(world):
                return broken
    for rail in world.rails.values():
        for creation in rail.journal.creations:
            if creation.status is ObservedStatus.PENDING:
                status = ObservedStatus.PAID.value
                await do(world, Step(kind=StepKind.RAIL, who=rail.name, number=creation.number, what=status))
    for notice in list(world.notices):
        await do(world, Step(kind=StepKind.DELIVER, number=notice.number))
        await _finish(world)
    if world.snapshot.waiting_notices:
        await do(world, Step(kind=StepKind.START, who=_WORKER, what=Job.NOTICES.value))
    return await _finish(world)


async def _finish(world: World) -> list[str]:
    """Let every actor go on, and every late request arrive, until there are none."""
    while True:
        late = [rail.name for rail in world.rails.values() if rail.late]
        waiting = [actor for actor in world.turns if actor.stop is not None]
        if not late and not waiting:
            return violations(world)
        if late:
            await do(world, Step(kind=StepKind.ARRIVE, who=late[0]))
        else:
            await do(world, Step(kind=StepKind.GO_ON, who=waiting[0].name, what=_WORDS.get(waiting[0].stop, "")))
        if broken := violations(world):
            return broken


_WORDS: dict[Stop | None, str] = {Stop.FIRST_BYTE: "accepts", Stop.QUESTION: "answers"}
