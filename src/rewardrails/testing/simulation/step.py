"""What can happen next in a simulated world: one step, as data, so that a run can be written down and run again."""

from dataclasses import dataclass
from enum import StrEnum

from rewardrails.testing.simulation.snapshot import Snapshot


class StepKind(StrEnum):
    """Kinds of step; the comment says which fields each uses."""

    WAIT = "wait"  # seconds
    START = "start"  # who: worker, what: job
    GO_ON = "go on"  # who: actor, what: the word at its gate
    KILL = "kill"  # who: process
    SUSPEND = "suspend"  # who: worker, seconds
    DATABASE_CLOCK = "database clock"  # seconds
    PROCESS_CLOCK = "process clock"  # who, seconds
    REWARD = "reward"  # number, what: "" or "changed"
    DELIVER = "deliver"  # number, what: "" or "again"
    LOSE = "lose"  # number
    FORGE = "forge"  # number: reward, what: lie, who: status
    RAIL = "rail"  # who: rail, number: creation, what: status
    ARRIVE = "arrive"  # who: rail
    PERSON = "person"  # who: operator, what: verb, number: reward


class Job(StrEnum):
    """What a worker does."""

    SEND = "sends"
    RECOVER = "recovers"
    POLL = "polls"
    LAPSE = "gives up lapsed resends"
    NOTICES = "applies notices"
    SEAL = "seals events"

    @property
    def asks_a_rail(self) -> bool:
        """Whether it is done for one rail."""
        return self not in (Job.NOTICES, Job.SEAL)


class Verb(StrEnum):
    """What an operator does to a payout."""

    HOLD = "holds"
    RELEASE = "releases"
    CANCEL = "cancels"
    RETRY = "retries"
    CORRECT = "corrects the destination of"
    RESOLVE = "looks at the rail and says of"
    AGREE = "agrees with what was said of"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. A step that does not fit the world it meets does nothing."""

    kind: StepKind
    who: str = ""
    what: str = ""
    number: int = 0
    seconds: float = 0.0


def is_useful(now: Snapshot, job: Job, rail: str) -> bool:
    """Whether a job may have something to do."""
    states = {attempt.state for attempt in now.attempts if attempt.provider == rail}
    match job:
        case Job.SEND | Job.LAPSE:
            return any(payout.state == "ready" and payout.provider == rail for payout in now.payouts)
        case Job.RECOVER:
            return "sending" in states
        case Job.POLL:
            return bool(states & {"accepted", "unknown", "settled"})
        case Job.NOTICES:
            return now.waiting_notices > 0
        case Job.SEAL:
            return True
