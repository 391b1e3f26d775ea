"""What the books should say, in plain Python: no database, and none of the engine's own decisions."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

FIXED_FEE = 10
BASIS_POINTS = 250
MAX_TRIES = 5
MAX_SENDS = 10

UNSENT = frozenset({"held", "ready"})
IN_HANDS = frozenset({"submitting", "pending", "outcome_unknown"})
RESERVING = UNSENT | IN_HANDS
LIVE = frozenset({"sending", "accepted", "unknown"})
# What a live attempt's news makes of its payout: the states it may come from, and where it goes. `returned` before anything
# else was heard means that nothing has arrived: the payout has failed.
MOVES: Mapping[str, tuple[frozenset[str], str, str]] = {
    "pending": (frozenset({"submitting", "outcome_unknown"}), "pending", "accepted"),
    "paid": (RESERVING, "paid", "settled"),
    "failed": (IN_HANDS, "failed", "failed"),
    "canceled": (RESERVING, "canceled", "canceled"),
    "returned": (IN_HANDS, "failed", "returned"),
    "unknown": (frozenset({"submitting"}), "outcome_unknown", "unknown"),
}


@dataclass
class Attempt:
    """One try under one key."""

    state: str = "sending"
    fence: int = 1
    sends: int = 1


@dataclass
class Proposal:
    """What one person says about the last attempt, sent so many times by then."""

    outcome: str
    by: str
    attempt_no: int
    sends: int


@dataclass
class Payout:
    """One payout as it should stand."""

    id: UUID
    number: int
    amount: int
    state: str = "ready"
    tries: int = 0
    fee: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    proposal: Proposal | None = None
    corrected: bool = False
    misjudged: bool = False

    @staticmethod
    def needs(amount: int) -> int:
        """What is set aside for an amount: itself and its fee at most."""
        return amount + FIXED_FEE + -(-amount * BASIS_POINTS // 10_000)

    @property
    def whole(self) -> int:
        """What is set aside for it."""
        return self.needs(self.amount)

    @property
    def ceiling(self) -> int:
        return self.whole - self.amount

    @property
    def reserved(self) -> int:
        return self.whole if self.state in RESERVING else 0

    @property
    def live(self) -> Attempt | None:
        return next((one for one in self.attempts if one.state in LIVE), None)

    @property
    def stands(self) -> tuple[str, int, int, int | None, list[tuple[str, int, int]]]:
        """Everything about it that the database keeps too."""
        attempts = [(one.state, one.fence, one.sends) for one in self.attempts]
        return self.state, self.reserved, self.tries, self.fee, attempts

    @property
    def overtaken(self) -> bool:
        """Whether what was proposed speaks of a sending that is no longer the last."""
        if self.proposal is None:
            return False
        attempt = self.attempts[self.proposal.attempt_no - 1]
        return attempt.state not in LIVE or attempt.sends != self.proposal.sends


@dataclass
class Model:
    """One pool and its payouts."""

    accounts: Counter[str] = field(default_factory=Counter)
    payouts: list[Payout] = field(default_factory=list)

    def move(self, debit: str, credit: str, amount: int) -> None:
        """One transfer; its two sides cannot differ."""
        self.accounts[debit] -= amount
        self.accounts[credit] += amount

    def accepted(self, payout: Payout) -> None:
        """A new payout, its money set aside."""
        self.payouts.append(payout)
        self.move("available", "reserved", payout.whole)

    def canceled(self, payout: Payout) -> None:
        """Stopped before anything was sent."""
        self.move("reserved", "available", payout.whole)
        payout.state = "canceled"

    def retried(self, payout: Payout) -> None:
        """Made ready again, its money set aside anew."""
        self.move("available", "reserved", payout.whole)
        payout.state = "ready"

    def claimed(self, payout: Payout) -> Attempt:
        """Taken by the sender: again under its live key, or under a new one."""
        assert payout.state == "ready"
        payout.state = "submitting"
        attempt = payout.live
        if attempt is None:
            payout.attempts.append(Attempt())
            return payout.attempts[-1]
        attempt.state, attempt.fence, attempt.sends = "sending", attempt.fence + 1, attempt.sends + 1
        return attempt

    def absent(self, payout: Payout, number: int) -> None:
        """The rail has proved that it never took the key: the same key again, or people."""
        attempt = payout.attempts[number - 1]
        if payout.state not in {"submitting", "outcome_unknown"} or attempt.state not in {"sending", "unknown"}:
            return
        payout.state = "ready" if attempt.sends < MAX_SENDS else "outcome_unknown"
        attempt.state = "unknown"

    def refused(self, payout: Payout, number: int, *, retryable: bool, spends_try: bool) -> None:
        """Our call was refused for certain; news that the rail took the order outweighs it."""
        attempt = payout.attempts[number - 1]
        if attempt.state != "sending":
            return
        if retryable and payout.state == "submitting" and (payout.tries < MAX_TRIES or not spends_try):
            payout.state, attempt.state = "ready", "refused"
            payout.tries += spends_try
        else:
            self.told(payout, number, "failed")

    def told(self, payout: Payout, number: int, status: str, *, fee: int = 0) -> None:
        """News of one attempt."""
        attempt = payout.attempts[number - 1]
        superseded = number < len(payout.attempts)
        if superseded and payout.state in IN_HANDS:
            return
        if attempt.state not in LIVE:
            self._told_after_its_end(payout, attempt, status, fee)
            return
        allowed, to_state, attempt_to = MOVES[status]
        if payout.state not in allowed:
            return
        attempt.state = attempt_to
        if to_state == "paid":
            self._pay(payout, fee)
        elif to_state in {"failed", "canceled"}:
            self.move("reserved", "available", payout.reserved)
        payout.state = to_state

    def _told_after_its_end(self, payout: Payout, attempt: Attempt, status: str, fee: int) -> None:
        if attempt.state == "settled":
            if status in {"returned", "failed"} and payout.state == "paid":
                self.move("paid", "available", payout.amount)
                payout.state, attempt.state = "returned", "returned"
        elif attempt.state != "returned" and status == "paid" and payout.state not in {"paid", "returned"}:
            self._pay(payout, fee)
            payout.state, attempt.state = "paid", "settled"

    def _pay(self, payout: Payout, fee: int) -> None:
        """The reservation is used up: amount, fee up to its ceiling, rest back; what it cannot bear comes from suspense."""
        if payout.state in RESERVING:
            within = min(fee, payout.ceiling)
            self.move("reserved", "paid", payout.amount)
            self.move("reserved", "fees", within)
            self.move("suspense", "fees", fee - within)
            self.move("reserved", "available", payout.ceiling - within)
        else:
            self.move("suspense", "paid", payout.amount)
            self.move("suspense", "fees", fee)
        payout.fee = fee
