"""The page of payout states, from the transition table."""

from collections.abc import Mapping

from rewardrails.docsgen.markdown import code, codes, table
from rewardrails.domain.payout import (
    ALLOWED_FROM,
    IN_PROVIDER_HANDS,
    LIVE_ATTEMPT,
    RESERVING,
    AttemptState,
    PayoutState,
)

MEANINGS: Mapping[PayoutState, str] = {
    PayoutState.HELD: "kept back, by a person or because no route takes it; the payout says why",
    PayoutState.AWAITING_APPROVAL: "waits for people to approve it",
    PayoutState.READY: "may be sent; a worker takes it when its provider, its pauses and its limits allow",
    PayoutState.SUBMITTING: "a worker has stored an attempt and is calling the provider",
    PayoutState.PENDING: "the provider has it; webhooks and polls tell how it ends",
    PayoutState.OUTCOME_UNKNOWN: "a call was made and nothing proves what it did; money stays reserved",
    PayoutState.PAID: "the provider says it arrived",
    PayoutState.FAILED: "certainly not paid; its money is back in the pool",
    PayoutState.CANCELED: "stopped before it was paid; its money is back in the pool",
    PayoutState.RETURNED: "was paid and came back; its money is back in the pool",
}

ATTEMPT_MEANINGS: Mapping[AttemptState, str] = {
    AttemptState.SENDING: "stored, the call is under way or was cut off",
    AttemptState.ACCEPTED: "the provider took it",
    AttemptState.UNKNOWN: "nothing proves what the call did",
    AttemptState.SETTLED: "paid",
    AttemptState.REFUSED: "refused for certain; a new attempt may follow",
    AttemptState.FAILED: "refused or failed for certain, and for good",
    AttemptState.CANCELED: "taken back",
    AttemptState.RETURNED: "paid and sent back",
    AttemptState.ABSENT: "the provider proved that it never had it; the same key may go out again",
}

_INTRO = """# States

A payout moves only along this table. It is one literal in `domain/payout.py`, and every step is one conditional `UPDATE`:
webhooks, polls, workers and people all go through it. New payouts begin as `ready`, or as `held` without a route.

`paid` from a state in which nothing was under way is **late success**: an earlier attempt that had been given up arrived
after all. It is booked from suspense and told as `payout.late_success`.
"""

_ATTEMPTS = """## Attempts

Each sending is an attempt, with a key of its own, stored before the call. At most one attempt of a payout is live; the
database itself refuses a second.
"""


def render() -> str:
    """The whole page."""
    payouts = table(
        ("state", "meaning", "may come from", "may go to", "money reserved", "with the provider"),
        (
            (
                code(state.value),
                MEANINGS[state],
                _listed(ALLOWED_FROM[state]),
                _listed({later for later in PayoutState if state in ALLOWED_FROM[later]}),
                _yes(is_so=state in RESERVING),
                _yes(is_so=state in IN_PROVIDER_HANDS),
            )
            for state in PayoutState
        ),
    )
    attempts = table(
        ("state", "meaning", "live"),
        ((code(state.value), ATTEMPT_MEANINGS[state], _yes(is_so=state in LIVE_ATTEMPT)) for state in AttemptState),
    )
    return "\n".join((_INTRO, payouts, _ATTEMPTS, attempts))


def _listed(states: frozenset[PayoutState] | set[PayoutState]) -> str:
    return codes(state.value for state in PayoutState if state in states)


def _yes(*, is_so: bool) -> str:
    return "yes" if is_so else "no"
