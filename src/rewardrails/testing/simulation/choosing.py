"""The seed's choice of what happens next: usual things often, unusual ones often enough.

Every seed has its own taste: it does some things far more often than others and some hardly ever, so that seeds differ in more
than their dice, and long sequences of rare things come up in those that like them.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from rewardrails.domain.observation import ObservedStatus
from rewardrails.testing.simulation.chance import Chance
from rewardrails.testing.simulation.database import Fault, FaultKind
from rewardrails.testing.simulation.post import Lie
from rewardrails.testing.simulation.rail import Answer, Behaviour
from rewardrails.testing.simulation.step import Job, Step, StepKind, Verb, is_useful
from rewardrails.testing.simulation.turns import Actor, Stop
from rewardrails.testing.simulation.world import API, OPERATORS, RAILS, WORKERS, World

T = TypeVar("T")
_PASSES = {0.2: 1, 3.0: 3, 7.0: 4, 12.0: 3, 25.0: 8, 40.0: 5, 75.0: 3, 130.0: 1, 600.0: 0.6, 3700.0: 0.3}
_BEHAVIOURS = dict.fromkeys(Behaviour, 4.0) | {
    Behaviour.ACCEPT: 15.0,
    Behaviour.SETTLE: 10.0,
    Behaviour.LATE: 14.0,
    Behaviour.LOSE_REPLY: 9.0,
    Behaviour.ERROR_BEFORE: 12.0,
}
_ANSWERS = {Answer.ANSWERS: 75.0, Answer.LOST: 8.0, Answer.LIES: 12.0, Answer.DONE_AND_LOST: 5.0}
_JOBS = {Job.SEND: 30.0, Job.RECOVER: 20.0, Job.POLL: 22.0, Job.NOTICES: 15.0, Job.LAPSE: 4.0, Job.SEAL: 1.5}
_VERBS = dict.fromkeys(Verb, 1.0) | {Verb.RESOLVE: 8.0, Verb.AGREE: 8.0, Verb.RETRY: 5.0, Verb.CANCEL: 4.0}
_STATUSES = (
    ObservedStatus.PAID,
    ObservedStatus.PAID,
    ObservedStatus.FAILED,
    ObservedStatus.CANCELED,
    ObservedStatus.RETURNED,
)
_JUMPS = (-3.0, -1.0, 2.0, 5.0, 30.0, 300.0)
_FAULTY = 0.06
# What people mostly do to a payout, and how often they do nothing else.
_SENSIBLE = {
    "held": frozenset({Verb.RELEASE}),
    "pending": frozenset({Verb.CANCEL}),
    "outcome_unknown": frozenset({Verb.RESOLVE, Verb.AGREE}),
    "failed": frozenset({Verb.RETRY, Verb.CORRECT}),
    "returned": frozenset({Verb.RETRY}),
}
_SENSE = 0.93
# One in so many actors stands still for long.
_SLOW = (2, 3, 3, 8)
_TASTES = (0.15, 1.0, 1.0, 3.0)
_WAKES = 0.05
# How often a job that has nothing to do is not even begun.
_IDLE = 0.95


class SeededChoice:
    """Draws step after step of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._chance = Chance(f"steps of {seed}")
        self._rewards = self._chance.choice((1, 1, 2, 3))
        self._workers = WORKERS[: self._chance.randint(1, len(WORKERS))]
        self._asked = 0
        self._behaviours = self._tasted(_BEHAVIOURS)
        self._answers = self._tasted(_ANSWERS)
        self._jobs = self._tasted(_JOBS)
        self._verbs = self._tasted(_VERBS)
        self._passes = self._tasted(_PASSES)
        self._slow = self._chance.choice(_SLOW)
        self._makers = self._tasted(self._usual())

    def _usual(self) -> Mapping[Callable[[World], Step | None], float]:
        return {
            self._reward: 10,
            self._start: 30,
            self._go_on: 60,
            self._pass: 10,
            self._deliver: 8,
            self._lose: 1.5,
            self._forge: 1.5,
            self._rail: 6,
            self._arrive: 4,
            self._person: 9,
            self._kill: 1,
            self._suspend: 0.7,
            self._clock: 1.2,
        }

    def next(self, world: World) -> Step:
        """A step that fits the world as it is."""
        while True:
            step = self._pick(self._makers)(world) if self._asked else self._reward(world)
            if step is not None:
                return step

    def _reward(self, _world: World) -> Step | None:
        if self._asked < self._rewards:
            self._asked += 1
            return Step(kind=StepKind.REWARD, number=self._asked)
        if self._chance.random() < 0.9:
            return None
        changed = "changed" if self._chance.random() < 0.3 else ""
        return Step(kind=StepKind.REWARD, number=self._number(), what=changed)

    def _start(self, world: World) -> Step | None:
        who, job, rail = self._one(self._workers), self._pick(self._jobs), self._one(RAILS)
        if not is_useful(world.snapshot, job, rail) and self._chance.random() < _IDLE:
            return None
        what = f"{job} on {rail}" if job.asks_a_rail else job.value
        return None if world.turns.find(f"{who} ({what})") else Step(kind=StepKind.START, who=who, what=what)

    def _go_on(self, world: World) -> Step | None:
        waiting = [actor for actor in world.turns if actor.stop is not None]
        awake = [actor for actor in waiting if not self._is_slow(actor) or self._chance.random() < _WAKES]
        if not awake:
            return None
        actor = self._one(awake)
        return Step(kind=StepKind.GO_ON, who=actor.name, what=self._word(actor))

    def _is_slow(self, actor: Actor) -> bool:
        """Some actors stand still for long at the worst of places."""
        return actor.stop in (Stop.START, Stop.FIRST_BYTE, Stop.REPLY) and (
            zlib.crc32(f"{self._seed} {actor.name} {actor.stop}".encode()) % self._slow == 0
        )

    def _word(self, actor: Actor) -> str:
        match actor.stop:
            case Stop.FIRST_BYTE:
                return self._pick(self._behaviours).value
            case Stop.QUESTION:
                return self._pick(self._answers).value
            case Stop.DATABASE if self._chance.random() < _FAULTY:
                return str(Fault(kind=self._one(list(FaultKind)), at=self._chance.randint(1, 6)))
            case _:
                return ""

    def _pass(self, _world: World) -> Step | None:
        return Step(kind=StepKind.WAIT, seconds=self._pick(self._passes))

    def _deliver(self, world: World) -> Step | None:
        if not world.notices:
            return None
        notice = self._one(world.notices)
        again = "again" if self._chance.random() < 0.25 else ""
        return Step(kind=StepKind.DELIVER, number=notice.number, what=again)

    def _lose(self, world: World) -> Step | None:
        return Step(kind=StepKind.LOSE, number=self._one(world.notices).number) if world.notices else None

    def _forge(self, _world: World) -> Step | None:
        lie, status = self._one(list(Lie)), self._one(_STATUSES)
        return Step(kind=StepKind.FORGE, number=self._number(), what=lie.value, who=status.value)

    def _rail(self, world: World) -> Step | None:
        rail = world.rails[self._one(RAILS)]
        moving = [one for one in rail.journal.creations if one.stands]
        if not moving:
            return None
        creation = self._one(moving)
        status = ObservedStatus.RETURNED
        if creation.status is ObservedStatus.PENDING:
            status = ObservedStatus.PAID if self._chance.random() < 0.7 else ObservedStatus.FAILED
        elif not rail.profile.reverses:
            return None
        return Step(kind=StepKind.RAIL, who=rail.name, number=creation.number, what=status.value)

    def _arrive(self, world: World) -> Step | None:
        late = [rail.name for rail in world.rails.values() if rail.late]
        return Step(kind=StepKind.ARRIVE, who=self._one(late)) if late else None

    def _person(self, world: World) -> Step | None:
        number = self._number()
        payout = world.snapshot.payout(number)
        verb = self._pick(self._verbs)
        if payout is None or (verb not in _SENSIBLE.get(payout.state, ()) and self._chance.random() < _SENSE):
            return None
        return Step(kind=StepKind.PERSON, who=self._one(OPERATORS), what=verb.value, number=number)

    def _kill(self, _world: World) -> Step | None:
        return Step(kind=StepKind.KILL, who=self._one((*self._workers, API)))

    def _suspend(self, _world: World) -> Step | None:
        return Step(kind=StepKind.SUSPEND, who=self._one(self._workers), seconds=self._one((15.0, 40.0, 200.0)))

    def _clock(self, _world: World) -> Step | None:
        if self._chance.random() < 0.5:
            return Step(kind=StepKind.DATABASE_CLOCK, seconds=self._one(_JUMPS))
        who = self._one((*self._workers, API))
        return Step(kind=StepKind.PROCESS_CLOCK, who=who, seconds=self._one((-400.0, -60.0, 0.0, 1.0, 60.0, 400.0)))

    def _tasted(self, weights: Mapping[T, float]) -> dict[T, float]:
        return {thing: weight * self._one(_TASTES) for thing, weight in weights.items()}

    def _number(self) -> int:
        return self._chance.randint(1, self._rewards)

    def _one(self, of: Sequence[T]) -> T:
        return of[self._chance.randrange(len(of))]

    def _pick(self, weights: Mapping[T, float]) -> T:
        return self._chance.choices(list(weights), list(weights.values()))[0]
