"""Living one life with one fault in it, and what must hold afterwards."""

from dataclasses import dataclass
from functools import partial

from rewardrails.ledger.invariants import verify
from rewardrails.testing.steps import Fault, Gone, Steps
from tests.steps.lives import Life, Scene, next_number
from tests.steps.world import World, trouble_with
from tests.support.stage import ENDED, FLAGGED

RESCUE_ROUNDS = 2
MOST_ROUNDS = 9
LIVES_AT_MOST = 4
# An outcome that so many rounds of asking did not clear up stays for people.
ASKED_ENOUGH = 5


@dataclass(frozen=True, kw_only=True)
class Lived:
    """How a life went: the step its fault met (None: it met none), every step of its process, and how the payout ended."""

    met: str | None
    steps: tuple[str, ...]
    state: str | None


async def lived(world: World, life: Life, fault: Fault | None, *, number: int | None = None) -> Lived:
    """Live with the fault, go on in another process, live it all again there as a client who heard nothing, and check.

    A machine that is too slow for a call makes a life break off before its fault; that one is gone on with and checked, and
    another one is lived in its place.
    """
    for _ in range(LIVES_AT_MOST):
        found = await _once(world, life, fault, number or next_number())
        if isinstance(found, Lived):
            return found
        number = None
    raise AssertionError("the life broke off before it met its fault") from found


async def _once(world: World, life: Life, fault: Fault | None, number: int) -> Lived | BaseException:
    """One life; what broke it off, if that was not its fault."""
    steps = Steps(fault, others=lambda: _rescued(world, number, life, rounds=RESCUE_ROUNDS))
    async with world.process(steps) as process:
        trouble = await _play(Scene(world=world, number=number, behaviour=life.behaviour, process=process), life)
    broken_off = trouble if steps.met is None else None
    if steps.met is not None:
        await _rescued(world, number, life, rounds=RESCUE_ROUNDS)
        again = Scene(world=world, number=number, behaviour=life.behaviour, process=world.rescuer)
        for act in life.acts:
            await trouble_with(partial(act, again), tries=1)
        await world.until_landed(number)
    # Also without a fault: where time flew in the database and not at the provider, a worker may have more to do.
    await _rescued(world, number, life, rounds=MOST_ROUNDS)
    if await world.has_waiting_notices():  # taken, and not applied yet: a worker's next round does that
        await world.rescue(number, hears=life.heard)
    found = await world.payout(number)
    state = found[1] if found else None
    await check(world, number, state)
    return broken_off or Lived(met=steps.met, steps=tuple(steps.taken), state=state)


async def check(world: World, number: int, state: str | None) -> None:
    """Nobody paid twice at any moment, the payout has ended or is flagged as the journal says, and the books balance."""
    assert world.shop.most(number) <= 1, f"reward {number} was paid {world.shop.most(number)} times"
    assert state is None or state in ENDED | FLAGGED, f"reward {number} is silently {state}"
    standing = world.shop.standing(number)
    match state:
        case "paid":
            assert standing == 1, f"reward {number} is paid here and not at the provider\n{await _story(world, number)}"
        case "failed" | "canceled" | "returned" | None:
            story = await _story(world, number) if standing else ""
            assert standing == 0, f"reward {number} is {state} here and stands at the provider\n{story}"
    assert (await verify(world.rescuer.database)).broken == ()


async def _story(world: World, number: int) -> str:
    """What the provider's journal and our log say of a reward, side by side."""
    theirs = [f"there {record}" for record in world.shop.records(number)]
    ours = await world.rows(
        "SELECT event.created_at, event.actor, event.type, event.data::text AS data FROM event JOIN payout"
        " ON payout.id = event.subject_id WHERE payout.reward_id = $1 ORDER BY event.version",
        f"r-{number}",
    )
    seen = await world.rows(
        "SELECT created_at, attempt_no, source, status, effect, actor FROM observation WHERE payout_id ="
        " (SELECT id FROM payout WHERE reward_id = $1) ORDER BY id",
        f"r-{number}",
    )
    told = await world.rows(
        "SELECT event_key, state, code, received_at FROM webhook_inbox ORDER BY received_at DESC LIMIT 8"
    )
    return "\n".join([*theirs, *(f"here {dict(row)}" for row in (*ours, *seen, *told))])


async def _play(scene: Scene, life: Life) -> BaseException | None:
    """Act by act, until the process ends or an act fails twice, which is when somebody restarts it; answers why it stopped."""
    try:
        for act in life.acts:
            if trouble := await trouble_with(partial(act, scene), tries=2):
                return trouble
    except Gone as gone:
        return gone
    return None


async def _rescued(world: World, number: int, life: Life, *, rounds: int) -> None:
    """Another process goes on until the payout has ended, or has been asked about often enough, or for so many rounds."""
    for done in range(rounds):
        found = await world.payout(number)
        if found is None and not life.staged:
            return
        ended = found is not None and (found[1] in ENDED or (found[1] in FLAGGED and done >= ASKED_ENOUGH))
        if ended and not (life.heard and world.untold(number)):
            return
        await world.rescue(number, hears=life.heard)
