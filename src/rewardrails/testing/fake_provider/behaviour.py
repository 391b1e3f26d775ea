"""What the fake provider does with one creation: named behaviours, rules that pick them, and a seeded mix.

A behaviour is a row of four small choices: what happens at the door, how the answer travels, how the payout ends, and
what is told about it. `PLANS` is the whole list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import blake2b
from types import MappingProxyType


class Door(StrEnum):
    """What happens before a creation is accepted; only OPEN and LATE accept it."""

    OPEN = "open"
    LATE = "late"
    REFUSE = "refuse"
    RATE_LIMIT = "rate_limit"
    UNAVAILABLE = "unavailable"
    REDIRECT = "redirect"
    HANG = "hang"


class Reply(StrEnum):
    """How the answer to an accepted creation travels."""

    PLAIN = "plain"
    CUT = "cut"
    SERVER_ERROR = "server_error"
    GARBAGE = "garbage"
    DRIP = "drip"
    OVERSIZED = "oversized"
    TRUNCATED = "truncated"


class Fate(StrEnum):
    """How an accepted payout goes on."""

    PAID_AT_ONCE = "paid_at_once"
    PAID = "paid"
    FAILED = "failed"
    STRANGE_STATUS = "strange_status"
    STUCK = "stuck"


class Notice(StrEnum):
    """What is told about an end."""

    ONCE = "once"
    SLOW = "slow"
    NEVER = "never"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out_of_order"
    WRONG_AMOUNT = "wrong_amount"
    OTHER_PAYOUT = "other_payout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One row of choices; `returned` sends the money back some time after it was paid."""

    door: Door = Door.OPEN
    reply: Reply = Reply.PLAIN
    fate: Fate = Fate.PAID
    notice: Notice = Notice.ONCE
    returned: bool = False


class Behaviour(StrEnum):
    """Names for plans; used in mixes, rules and the journal."""

    SETTLE = "settle"
    WEBHOOK = "webhook"
    SLOW_WEBHOOK = "slow_webhook"
    NEVER_NOTIFY = "never_notify"
    ACCEPT_LATE = "accept_late"
    FAIL = "fail"
    STUCK = "stuck"
    LATE_RETURN = "late_return"
    UNKNOWN_STATUS = "unknown_status"
    REFUSE = "refuse"
    RATE_LIMIT = "rate_limit"
    ERROR_BEFORE = "error_before"
    REDIRECT = "redirect"
    HANG = "hang"
    LOSE_REPLY = "lose_reply"
    ERROR_AFTER = "error_after"
    GARBAGE = "garbage"
    DRIP = "drip"
    OVERSIZED = "oversized"
    TRUNCATED = "truncated"
    DUPLICATE_WEBHOOK = "duplicate_webhook"
    OUT_OF_ORDER = "out_of_order"
    WRONG_AMOUNT = "wrong_amount"
    OTHER_PAYOUT = "other_payout"


PLANS: Mapping[Behaviour, Plan] = MappingProxyType(
    {
        Behaviour.SETTLE: Plan(fate=Fate.PAID_AT_ONCE, notice=Notice.NEVER),
        Behaviour.WEBHOOK: Plan(),
        Behaviour.SLOW_WEBHOOK: Plan(notice=Notice.SLOW),
        Behaviour.NEVER_NOTIFY: Plan(notice=Notice.NEVER),
        Behaviour.ACCEPT_LATE: Plan(door=Door.LATE),
        Behaviour.FAIL: Plan(fate=Fate.FAILED),
        Behaviour.STUCK: Plan(fate=Fate.STUCK, notice=Notice.NEVER),
        Behaviour.LATE_RETURN: Plan(returned=True),
        Behaviour.UNKNOWN_STATUS: Plan(fate=Fate.STRANGE_STATUS),
        Behaviour.REFUSE: Plan(door=Door.REFUSE),
        Behaviour.RATE_LIMIT: Plan(door=Door.RATE_LIMIT),
        Behaviour.ERROR_BEFORE: Plan(door=Door.UNAVAILABLE),
        Behaviour.REDIRECT: Plan(door=Door.REDIRECT),
        Behaviour.HANG: Plan(door=Door.HANG),
        Behaviour.LOSE_REPLY: Plan(reply=Reply.CUT),
        Behaviour.ERROR_AFTER: Plan(reply=Reply.SERVER_ERROR),
        Behaviour.GARBAGE: Plan(reply=Reply.GARBAGE),
        Behaviour.DRIP: Plan(reply=Reply.DRIP),
        Behaviour.OVERSIZED: Plan(reply=Reply.OVERSIZED),
        Behaviour.TRUNCATED: Plan(reply=Reply.TRUNCATED),
        Behaviour.DUPLICATE_WEBHOOK: Plan(notice=Notice.DUPLICATE),
        Behaviour.OUT_OF_ORDER: Plan(notice=Notice.OUT_OF_ORDER),
        Behaviour.WRONG_AMOUNT: Plan(notice=Notice.WRONG_AMOUNT),
        Behaviour.OTHER_PAYOUT: Plan(notice=Notice.OTHER_PAYOUT),
    }
)

PASSING_DOORS = frozenset({Door.RATE_LIMIT, Door.UNAVAILABLE, Door.REDIRECT, Door.HANG})
DEFAULT_REFUSAL = "destination_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A behaviour, with the vendor code a refusal or failure carries."""

    behaviour: Behaviour = Behaviour.WEBHOOK
    code: str = DEFAULT_REFUSAL

    @classmethod
    def parse(cls, text: str) -> "Choice":
        """Read `behaviour` or `behaviour:code`; raises `ValueError`."""
        name, _, code = text.partition(":")
        return cls(behaviour=Behaviour(name.strip()), code=code.strip() or DEFAULT_REFUSAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Weighted choices, settled by a hash of seed and subject: the same subject always gets the same one."""

    seed: int = 0
    weights: Sequence[tuple[Choice, int]] = ((Choice(), 1),)
    by_destination: bool = False

    @classmethod
    def parse(cls, text: str, *, seed: int, by_destination: bool) -> "Mix":
        """Read `settle=35,webhook=45,refuse:amount_too_low=5`; raises `ValueError`."""
        pairs = (part.partition("=") for part in text.split(",") if part.strip())
        weights = tuple((Choice.parse(name), int(weight or 1)) for name, _, weight in pairs)
        if not weights or any(weight < 0 for _, weight in weights) or not sum(weight for _, weight in weights):
            raise ValueError("a mix needs at least one positive weight, as in settle=1,webhook=2")
        return cls(seed=seed, weights=weights, by_destination=by_destination)

    def pick(self, subject: str) -> Choice:
        """The subject's choice."""
        digest = blake2b(f"{self.seed}:{subject}".encode(), digest_size=8).digest()
        place = int.from_bytes(digest, "big") % sum(weight for _, weight in self.weights)
        for choice, weight in self.weights:
            place -= weight
            if place < 0:
                return choice
        raise AssertionError("weights are positive and place is below their sum")


@dataclass(slots=True, kw_only=True)
class Rule:
    """Overrides the mix for matching creations, `times` times (None: for ever); patterns are shell globs."""

    choice: Choice
    reference: str = "*"
    destination: str = "*"
    times: int | None = None

    def matches(self, reference: str, destination: str) -> bool:
        """Whether the rule still speaks and is meant."""
        if self.times == 0:
            return False
        return fnmatchcase(reference, self.reference) and fnmatchcase(destination, self.destination)


@dataclass(slots=True, kw_only=True)
class Chooser:
    """Picks a behaviour per creation: the newest matching rule, else the mix.

    From the mix, trouble that passes (429, 5xx, empty float, ...) meets only the first request for a payout, so that
    trying again ends well; whatever is final is the same for every attempt of one payout.
    """

    mix: Mix
    passing_codes: frozenset[str]
    rules: list[Rule] = field(default_factory=list)
    _met: set[str] = field(default_factory=set)

    def choose(self, reference: str, destination: str) -> Choice:
        """The choice for this request; counts it against the rule that made it."""
        for rule in reversed(self.rules):
            if rule.matches(reference, destination):
                rule.times = None if rule.times is None else rule.times - 1
                return rule.choice
        payout = payout_part(reference)
        choice = self.mix.pick(destination if self.mix.by_destination else payout)
        if not self._passes(choice):
            return choice
        if payout in self._met:
            return Choice()
        self._met.add(payout)
        return choice

    def _passes(self, choice: Choice) -> bool:
        door = PLANS[choice.behaviour].door
        return door in PASSING_DOORS or (door is Door.REFUSE and choice.code in self.passing_codes)


def payout_part(reference: str) -> str:
    """A reference without its attempt number: `<payout>-<n>` gives `<payout>`."""
    head, _, _ = reference.rpartition("-")
    return head or reference
