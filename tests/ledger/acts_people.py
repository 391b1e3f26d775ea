"""What games, treasurers, operators and thieves do. Each act answers whether there was anything to do."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from rewardrails.engine import operate
from rewardrails.engine import resolve as resolution
from rewardrails.errors import ErrorCode, RewardRailsError
from tests.ledger.attacks import ALWAYS, OF_A_LIVE_ATTEMPT, OF_A_PAYOUT, is_refused
from tests.ledger.dice import Dice
from tests.ledger.model import IN_HANDS, UNSENT, Payout, Proposal
from tests.ledger.world import World
from tests.support.season import request, reward

REWARDS = 16
EVIDENCE = "statement of the fifth, line twelve"


@contextmanager
def refusing(code: ErrorCode | None) -> Iterator[None]:
    """The block is refused with this code, or with None not at all."""
    try:
        yield
    except RewardRailsError as error:
        assert error.code is code, error  # noqa: PT017 - any other code, or none expected, is the failure
    else:
        assert code is None, f"should have been refused with {code}"


def fund(world: World, dice: Dice) -> bool:
    world.do(world.fund(dice.source, dice.amount))
    world.model.move(dice.source.value, "available", dice.amount)
    return True


def withdraw(world: World, dice: Dice) -> bool:
    accounts = world.model.accounts
    fits = dice.amount <= accounts["available"] and dice.amount <= -accounts[dice.source.value]
    with refusing(None if fits else ErrorCode.POOL_EXHAUSTED):
        world.do(world.withdraw(dice.source, dice.amount))
    if fits:
        world.model.move("available", dice.source.value, dice.amount)
    return True


def accept(world: World, dice: Dice) -> bool:
    """One to three rewards in one batch: new ones, known ones, known ones with another amount, too large ones."""
    numbers = [(dice.place + n) % REWARDS for n in range(1 + dice.other % 3)]
    changed = dice.flag and dice.other > 50
    rewards = [reward(number, amount_minor=1 + 211 * number + changed) for number in numbers]
    results = world.do(request(world.core, rewards))
    for wanted, number, result in zip(rewards, numbers, results, strict=True):
        known = next((one for one in world.model.payouts if one.number == number), None)
        if known is not None:
            same = known.amount == wanted.amount_minor and not known.corrected
            assert (result.payout_id, result.code) == (known.id, None if same else ErrorCode.IDEMPOTENCY_KEY_REUSED)
            continue
        fits = Payout.needs(wanted.amount_minor) <= world.model.accounts["available"]
        assert result.code is (None if fits else ErrorCode.POOL_EXHAUSTED)
        if result.payout_id is not None:
            world.model.accepted(Payout(id=result.payout_id, number=number, amount=wanted.amount_minor))
    return True


def hold(world: World, dice: Dice) -> bool:
    payout = world.at(dice.place)
    if payout is None:
        return False
    if _operate(world, operate.hold, payout, payout.state == "ready", cause="looks odd"):
        payout.state = "held"
    return True


def release(world: World, dice: Dice) -> bool:
    payout = world.at(dice.place, prefer={"held"})
    if payout is None:
        return False
    if _operate(world, operate.release_hold, payout, payout.state == "held"):
        payout.state = "ready"
    return True


def retry(world: World, dice: Dice) -> bool:
    payout = world.at(dice.place, prefer={"failed", "returned"})
    if payout is None:
        return False
    may = payout.state in {"failed", "returned"}
    fits = payout.whole <= world.model.accounts["available"]
    refusal = ErrorCode.POOL_EXHAUSTED if may else ErrorCode.STATE_CONFLICT
    if _operate(world, operate.retry, payout, may and fits, refusal=refusal):
        world.model.retried(payout)
    return True


def correct(world: World, dice: Dice) -> bool:
    payout = world.at(dice.place)
    if payout is None:
        return False
    may = payout.live is None and payout.state in UNSENT | {"failed", "returned"}
    destination = replace(reward(payout.number).destination, value="other@example.org")
    with refusing(None if may else ErrorCode.STATE_CONFLICT):
        world.do(operate.correct_destination(world.core, payout.id, destination, actor="ops"))
    payout.corrected |= may
    return True


def cancel(world: World, dice: Dice) -> bool:
    payout = world.at(dice.place, prefer=IN_HANDS if dice.flag else frozenset())
    if payout is None:
        return False
    number = len(payout.attempts)
    entry = world.rail.journal.get(f"{payout.id.hex}-{number}")
    unsent = payout.state in UNSENT and payout.live is None
    taken_back = payout.state in IN_HANDS - {"submitting"} and entry is not None and entry.status == "pending"
    done = unsent or taken_back or payout.state == "canceled"
    _operate(world, operate.cancel, payout, done, refusal=ErrorCode.NOT_CANCELABLE)
    if unsent:
        world.model.canceled(payout)
    elif taken_back:
        world.model.told(payout, number, "canceled")
    return True


def resolve(world: World, dice: Dice) -> bool:
    """People say how it ended, and are sometimes wrong; what they get wrong is theirs to answer for."""
    payout = world.at(dice.place, prefer={"outcome_unknown"})
    if payout is None or payout.state != "outcome_unknown":
        return False
    outcome = resolution.Resolved.PAID if dice.other % 3 == 0 else resolution.Resolved.NOT_PAID
    actor = "ann" if dice.flag else "ben"
    said = payout.proposal
    confirmed = said if said is not None and said.outcome == outcome.value and not payout.overtaken else None
    himself = confirmed is not None and confirmed.by == actor
    with refusing(ErrorCode.FORBIDDEN if himself else None):
        world.do(resolution.resolve(world.core, payout.id, outcome=outcome, evidence=EVIDENCE, actor=actor))
    if confirmed is None:
        number = len(payout.attempts)
        payout.proposal = Proposal(outcome.value, actor, attempt_no=number, sends=payout.attempts[-1].sends)
    elif not himself:
        not_paid = outcome is resolution.Resolved.NOT_PAID
        payout.misjudged |= not_paid and world.may_still_be_paid(payout)
        payout.proposal = None
        world.model.told(payout, confirmed.attempt_no, "failed" if not_paid else "paid")
    return True


def attack(world: World, dice: Dice) -> bool:
    """A statement as the engine's own role, past all its code."""
    names = [*ALWAYS, *OF_A_PAYOUT, *OF_A_LIVE_ATTEMPT]
    what = names[(dice.place * 64 + dice.other) % len(names)]
    if what in ALWAYS:
        assert world.do(is_refused(world.core, ALWAYS[what])), what
        return True
    wanted = [one for one in world.model.payouts if one.live or what in OF_A_PAYOUT]
    if wanted:
        statement = {**OF_A_PAYOUT, **OF_A_LIVE_ATTEMPT}[what]
        assert world.do(is_refused(world.core, statement, wanted[dice.place % len(wanted)].id)), what
    return bool(wanted)


def _operate(
    world: World,
    verb: Callable[..., Awaitable[object]],
    payout: Payout,
    may: bool,
    *,
    refusal: ErrorCode = ErrorCode.STATE_CONFLICT,
    **fields: str,
) -> bool:
    with refusing(None if may else refusal):
        world.do(verb(world.core, payout.id, actor="ops", **fields))
    return may
