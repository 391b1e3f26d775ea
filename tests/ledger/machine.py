"""The ledger as a machine: any act at any moment, and after each the database and a plain model say the same."""

from collections.abc import Callable, Mapping

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from rewardrails.domain.posting import FundingSource
from tests.ledger import acts_people as people
from tests.ledger import acts_sending as sending
from tests.ledger.dice import DICE, Dice
from tests.ledger.world import World

Act = Callable[[World, Dice], bool]
# How often each act is tried, against the others.
ACTS: Mapping[Act, int] = {
    people.accept: 2,
    people.fund: 1,
    people.withdraw: 1,
    people.hold: 1,
    people.release: 1,
    people.retry: 3,
    people.correct: 1,
    people.cancel: 1,
    people.resolve: 3,
    people.attack: 1,
    sending.take: 2,
    sending.answer: 3,
    sending.send_at_once: 3,
    sending.let_leases_lapse: 1,
    sending.poll: 1,
    sending.find_a_lost_order: 2,
    sending.advance_an_order: 1,
    sending.advance_and_tell: 4,
    sending.notice: 2,
}
NAMES = [act.__name__ for act, weight in ACTS.items() for _ in range(weight)]
BY_NAME = {act.__name__: act for act in ACTS}


class LedgerMachine(RuleBasedStateMachine):
    """One rule only, so that no run goes without one of the acts; an act that finds nothing to do is no step."""

    world: World

    @initialize(funded=st.sampled_from([500, 5_000, 50_000]), dice=DICE)
    def begin(self, funded: int, dice: Dice) -> None:
        self.world.begin()
        self.world.do(self.world.fund(FundingSource.SPONSOR, funded))
        self.world.model.move("sponsor", "available", funded)
        people.accept(self.world, dice)
        self.world.compare()

    @rule(name=st.sampled_from(NAMES), dice=DICE)
    def act(self, name: str, dice: Dice) -> None:
        if BY_NAME[name](self.world, dice):
            self.world.compare()

    def teardown(self) -> None:
        self.world.do(self.world.compare_history())
