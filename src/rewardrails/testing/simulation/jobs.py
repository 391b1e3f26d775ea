"""What the simulated processes do: the engine's own verbs, in the order the real worker calls them."""

from collections.abc import Coroutine, Sequence
from typing import Any
from uuid import UUID

from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine import operate
from rewardrails.engine.observe import apply_observations
from rewardrails.engine.request import request_of, request_payouts
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.engine.send import Budget, Claimed, claim, hold_lapsed_quotes, send
from rewardrails.engine.sync import Asked, apply_answers, ask, claim_expired, claim_to_sync, give_up_lapsed_resends
from rewardrails.engine.webhooks import apply_notices, store_notices, verify
from rewardrails.errors import RewardRailsError
from rewardrails.events.seal import seal
from rewardrails.testing.simulation.rail import SimulatedRail
from rewardrails.testing.simulation.snapshot import PayoutNow
from rewardrails.testing.simulation.step import Job, Verb
from rewardrails.testing.simulation.turns import Stop
from rewardrails.testing.simulation.world import API, World, destination, reward

LIMIT = 100
EVIDENCE = "looked it up in the rail's own journal"


def do_job(world: World, worker: str, kind: Job, rail: SimulatedRail) -> Coroutine[Any, Any, Any]:
    """One round of a worker's loop."""
    core = world.core_of(worker)
    match kind:
        case Job.SEND:
            return _send(world, worker, rail)
        case Job.RECOVER:
            return _recover(world, worker, rail)
        case Job.POLL:
            return _poll(world, worker, rail)
        case Job.LAPSE:
            return give_up_lapsed_resends(core, rail)
        case Job.NOTICES:
            return apply_notices(core, LIMIT)
        case Job.SEAL:
            return seal(core.database, [])


async def _send(world: World, worker: str, rail: SimulatedRail) -> None:
    core = world.core_of(worker)
    budget = Budget(max_in_flight=rail.profile.max_in_flight, rate_per_second=None, burst=1.0)
    claimed = await claim(core, rail, budget, LIMIT)
    for item in await hold_lapsed_quotes(core, rail, claimed):
        subject = f"reward {item.order.player_id.removeprefix('player:')}, attempt {item.ref.attempt_no}"
        again = f" (sending {item.sends})" if item.sends > 1 else ""
        world.story.note(f"it has {subject}{again} to send")
        name = f"{worker}'s call for {subject}{again}"
        world.turns.begin(name, worker, _call(world, worker, rail, item), about=item.ref.payout_id.hex)


async def _call(world: World, worker: str, rail: SimulatedRail, item: Claimed) -> None:
    core = world.core_of(worker)
    await world.turns.gate(Stop.START, rail=rail.name)
    seen = await send(core, rail, item)
    world.story.note(f"it learnt: {seen.observation.status.value}")
    verdicts = await apply_observations(core, [seen])
    world.story.note(f"its word was {verdicts[0].value}")


async def _recover(world: World, worker: str, rail: SimulatedRail) -> None:
    await _ask(world, worker, rail, await claim_expired(world.core_of(worker), rail, LIMIT))


async def _poll(world: World, worker: str, rail: SimulatedRail) -> None:
    await _ask(world, worker, rail, await claim_to_sync(world.core_of(worker), rail, LIMIT))


async def _ask(world: World, worker: str, rail: SimulatedRail, asked: Sequence[Asked]) -> None:
    answers = []
    for item in sorted(asked, key=lambda one: one.reference.ref.rail_key):
        world.story.note(f"it asks about reward {world.reward_of(item.reference.ref.payout_id.hex)}")
        answers.append((item, await ask(rail, item)))
        world.story.note(f"the answer: {type(answers[-1][1]).__name__}")
    if answers:
        await apply_answers(world.core_of(worker), rail, answers)


async def take_on(world: World, number: int, *, change: int) -> None:
    """The game asks for a reward."""
    core = world.core_of(API)
    [result] = await request_payouts(core, [request_of(core, reward(number, change=change))], API)
    world.story.note(result.verdict.value)


async def take_notice(world: World, rail: str, request: WebhookRequest) -> bool:
    """A notice comes to the route of a rail; answers whether it was stored."""
    core = world.core_of(API)
    try:
        notice = verify(core, rail, request)
    except RewardRailsError as error:
        world.story.note(f"refused at the door: {error.code.value}")
        return False
    await store_notices(core, [notice])
    world.story.note("stored")
    return True


async def person(world: World, who: str, verb: Verb, payout: PayoutNow, found: Resolved | None) -> None:
    """What an operator does; a refusal is an answer too. `found` is what they saw at the rail."""
    core, subject = world.core_of(API), UUID(payout.id)
    try:
        match verb:
            case Verb.HOLD:
                await operate.hold(core, subject, cause="manual", actor=who)
            case Verb.RELEASE:
                await operate.release_hold(core, subject, actor=who, reason="seen")
            case Verb.CANCEL:
                await operate.cancel(core, subject, actor=who)
            case Verb.RETRY:
                await operate.retry(core, subject, actor=who)
            case Verb.CORRECT:
                version = len(world.snapshot.attempts_of(payout.id)) + 1
                await operate.correct_destination(core, subject, destination(payout.reward, version), actor=who)
            case Verb.RESOLVE | Verb.AGREE if found is not None:
                done = await resolve(core, subject, outcome=found, evidence=EVIDENCE, actor=who)
                world.story.note("confirmed" if done.confirmed_by else "proposed")
            case Verb.RESOLVE | Verb.AGREE:
                return
    except RewardRailsError as error:
        world.story.note(f"refused: {error.code.value}")
