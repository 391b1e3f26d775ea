"""What the sender does, and what the rail does meanwhile. Each act answers whether there was anything to do."""

from collections.abc import Sequence
from dataclasses import replace

from rewardrails.domain.observation import Absent, Found, Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.engine.observe import apply_observations, new_seen
from rewardrails.engine.send import Claimed, claim, send
from rewardrails.engine.sync import Asked, apply_answers, ask, claim_expired, claim_to_sync
from tests.ledger.dice import Dice
from tests.ledger.machine_rail import REFUSALS, How
from tests.ledger.world import DUE, LAPSE, World
from tests.support.season import BUDGET

FOR_EVER = 1e12
ENDS = (
    ObservedStatus.PAID,
    ObservedStatus.PAID,
    ObservedStatus.FAILED,
    ObservedStatus.CANCELED,
    ObservedStatus.RETURNED,
)


def take(world: World, dice: Dice) -> bool:
    """One or two payouts are claimed; when they are sent is another matter."""
    ready = sum(one.state == "ready" for one in world.model.payouts)
    if not ready:
        return False
    wanted = 1 + dice.place % 2
    claimed = _claim(world, wanted)
    assert len(claimed) == min(wanted, ready)
    world.calls += claimed
    return True


def send_at_once(world: World, dice: Dice) -> bool:
    """The ordinary way: claimed, sent, answered."""
    if not any(one.state == "ready" for one in world.model.payouts):
        return False
    for call in _claim(world, 1):
        _answer(world, call, dice)
    return True


def answer(world: World, dice: Dice) -> bool:
    """A claimed call is made, perhaps long after everybody else went on; its answer is applied."""
    if not world.calls:
        return False
    _answer(world, world.calls.pop(dice.place % len(world.calls)), dice)
    return True


def let_leases_lapse(world: World, dice: Dice) -> bool:
    """Every worker that holds a call is taken for dead; the rail is asked what became of each."""
    if not any(attempt.state == "sending" for one in world.model.payouts for attempt in one.attempts):
        return False
    world.do(world.execute(LAPSE))
    asked = world.do(claim_expired(world.core, world.rail, 100))
    for item in asked:
        attempt = world.payout(item.reference.ref).attempts[item.reference.ref.attempt_no - 1]
        attempt.fence += 1
        assert (attempt.state, attempt.fence) == ("sending", item.fence)
    _hear(world, asked)
    return True


def poll(world: World, dice: Dice) -> bool:
    """The rail is asked about everything that is due."""
    world.do(world.execute(DUE))
    asked = world.do(claim_to_sync(world.core, world.rail, 100))
    _hear(world, asked)
    return bool(asked)


def find_a_lost_order(world: World, dice: Dice) -> bool:
    """An order whose sender heard nothing arrives after all."""
    rail = world.rail
    if not rail.lost:
        return False
    rail.fee = dice.fee
    rail.find(sorted(rail.lost)[dice.place % len(rail.lost)])
    return True


def advance_an_order(world: World, dice: Dice) -> bool:
    """The rail goes on with an order and says nothing."""
    keys = list(world.rail.journal)
    return bool(keys) and world.rail.advance(keys[dice.place % len(keys)], ENDS[dice.other % len(ENDS)])


def notice(world: World, dice: Dice) -> bool:
    """The rail tells what it says, or once said, of an order: news, a duplicate, or something long overtaken."""
    keys = list(world.rail.journal)
    if not keys:
        return False
    key = keys[dice.place % len(keys)]
    told = world.rail.journal[key].told
    observation = world.rail.notice(key, told[-1] if dice.flag else told[dice.other % len(told)])
    ref = AttemptRef.parse(key)
    assert ref is not None
    seen = new_seen(
        ref=ref, provider="one", source=ObservationSource.WEBHOOK, observation=observation, actor="provider:one"
    )
    world.do(apply_observations(world.core, [seen]))
    _believe(world, ref, observation)
    return True


def advance_and_tell(world: World, dice: Dice) -> bool:
    """The ordinary way: an order goes on and a notice says so."""
    return advance_an_order(world, dice) and notice(world, replace(dice, flag=True))


def _claim(world: World, wanted: int) -> list[Claimed]:
    world.do(world.execute("UPDATE payout SET due_at = rr_now() WHERE state = 'ready'"))
    claimed = world.do(claim(world.core, world.rail, BUDGET, wanted))
    for item in claimed:
        attempt = world.model.claimed(world.payout(item.ref))
        assert (item.fence, item.sends) == (attempt.fence, attempt.sends)
    # Nobody here wakes too late to send: what a worker does that slept is the point.
    return [replace(item, send_before=FOR_EVER) for item in claimed]


def _answer(world: World, call: Claimed, dice: Dice) -> None:
    payout, number = world.payout(call.ref), call.ref.attempt_no
    world.rail.how, world.rail.fee = dice.how, dice.fee
    key_is_new = call.ref.rail_key not in world.rail.journal
    seen = world.do(send(world.core, world.rail, call))
    world.do(apply_observations(world.core, [seen]))
    if call.fence != payout.attempts[number - 1].fence:
        return
    if key_is_new and dice.how in REFUSALS and call.sends == 1:
        retryable, spends_try = dice.how is not How.REFUSE, dice.how is not How.PROVIDER_REFUSES
        world.model.refused(payout, number, retryable=retryable, spends_try=spends_try)
    else:
        _believe(world, call.ref, seen.observation)


def _hear(world: World, asked: Sequence[Asked]) -> None:
    answers = [(item, world.do(ask(world.rail, item))) for item in asked]
    world.do(apply_answers(world.core, world.rail, answers))
    for item, said in answers:
        ref = item.reference.ref
        if isinstance(said, Absent):
            world.model.absent(world.payout(ref), ref.attempt_no)
        elif isinstance(said, Found):
            _believe(world, ref, said.observation)


def _believe(world: World, ref: AttemptRef, observation: Observation) -> None:
    fee = observation.fee.amount_minor if observation.fee else 0
    world.model.told(world.payout(ref), ref.attempt_no, observation.status.value, fee=fee)
