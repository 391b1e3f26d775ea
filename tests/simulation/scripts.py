"""Steps written by hand, for worlds where what happens matters and not the seed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from rewardrails.providers.capabilities import Dedupe, Lookup
from rewardrails.testing.simulation.profile import RailProfile
from rewardrails.testing.simulation.rail import Answer, Behaviour
from rewardrails.testing.simulation.step import Job, Step, StepKind, Verb
from rewardrails.testing.simulation.world import World

REQUEST = "the game's request for reward 1"
CALL = "worker 1's call for reward 1, attempt 1"
GOOD_RAIL = RailProfile(
    dedupe=Dedupe.REPLAY,
    window=None,
    replays_errors=False,
    lookup=Lookup.OUR_REFERENCE,
    authoritative=True,
    lag=timedelta(0),
    reverses=False,
    cancels=False,
    thin_notices=False,
    max_in_flight=10,
)


def rails(**figures: object) -> Callable[[World], None]:
    """Make both rails good ones but for these figures."""

    def prepare(world: World) -> None:
        for rail in world.rails.values():
            rail.become(replace(GOOD_RAIL, **figures))

    return prepare


def go(who: str, *words: str) -> list[Step]:
    """An actor goes on from one gate after another."""
    return [Step(kind=StepKind.GO_ON, who=who, what=word) for word in words or ("",)]


def wait(seconds: float) -> list[Step]:
    return [Step(kind=StepKind.WAIT, seconds=seconds)]


def requested() -> list[Step]:
    """Reward 1 is taken on."""
    return [Step(kind=StepKind.REWARD, number=1), *go(REQUEST)]


def job(kind: Job, *words: str) -> list[Step]:
    """Worker 1 does a job on the first rail, with these words at its gates."""
    what = f"{kind} on rail-one" if kind.asks_a_rail else kind.value
    return [Step(kind=StepKind.START, who="worker 1", what=what), *go(f"worker 1 ({what})", *words)]


def sent(behaviour: Behaviour, *, again: int = 0) -> list[Step]:
    """Worker 1 claims reward 1, sends it, and tells what it learnt."""
    call = f"{CALL} (sending {again})" if again else CALL
    return [*job(Job.SEND), *go(call, "", behaviour.value, "", "")]


def polled(answer: Answer = Answer.ANSWERS) -> list[Step]:
    """Worker 1 asks about reward 1 and applies the answer."""
    return job(Job.POLL, "", answer.value, "", "", "", "")


def notice(number: int) -> list[Step]:
    """A notice is taken in and applied."""
    return [Step(kind=StepKind.DELIVER, number=number), *go(f"notice {number}"), *job(Job.NOTICES)]


def lost(number: int) -> list[Step]:
    return [Step(kind=StepKind.LOSE, number=number)]


def looked(who: str) -> list[Step]:
    """An operator looks at the rail and says what they see."""
    return [Step(kind=StepKind.PERSON, who=who, what=Verb.RESOLVE.value, number=1)]


def agreed(who: str) -> list[Step]:
    """Another operator agrees without looking."""
    doing = f"{who} ({Verb.AGREE} reward 1)"
    return [Step(kind=StepKind.PERSON, who=who, what=Verb.AGREE.value, number=1), *go(doing)]
