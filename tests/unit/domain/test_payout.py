"""The transition table and the decisions taken on it: total, and never against the table."""

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.payout import (
    ALLOWED_FROM,
    IN_PROVIDER_HANDS,
    LIVE_ATTEMPT,
    RESERVING,
    AttemptState,
    Effect,
    PayoutState,
    RetryRule,
    Standing,
    decide,
    may_move,
)
from rewardrails.domain.posting import ACCOUNTS, postings
from rewardrails.errors import ErrorCode


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    state = draw(st.sampled_from(PayoutState))
    amount = draw(st.integers(1, 10**38 - 1))
    ceiling = draw(st.integers(0, 10**20))
    return Standing(
        payout_id=UUID(int=1),
        state=state,
        version=draw(st.integers(1, 100)),
        amount_minor=amount,
        reserved_minor=amount + ceiling if state in RESERVING else 0,
        fee_ceiling_minor=ceiling,
        tries=draw(st.integers(0, 9)),
        attempt_no=1,
        attempt_state=draw(st.sampled_from(AttemptState)),
        attempt_is_last=draw(st.booleans()),
        fence=1,
    )


observations = st.builds(
    Observation,
    status=st.sampled_from(ObservedStatus),
    fee=st.none() | st.builds(Money, amount_minor=st.integers(0, 10**21), asset=st.just("EUR")),
    code=st.none() | st.sampled_from(ErrorCode),
    retryable=st.booleans(),
    spends_try=st.booleans(),
)


def test_every_state_can_be_reached_and_left_but_for_the_ends():
    left = {state for froms in ALLOWED_FROM.values() for state in froms}
    assert set(ALLOWED_FROM) == set(PayoutState)
    assert set(PayoutState) - left == set()


@pytest.mark.promise("G1", "G4")
@given(standings(), observations)
def test_a_decision_follows_the_table(standing, seen):
    move = decide(standing, seen, RetryRule())
    if move.to_state is not None:
        assert may_move(standing.state, move.to_state)
        assert move.effect is Effect.APPLIED
    else:
        assert move.attempt_to is standing.attempt_state


@pytest.mark.promise("G1")
@pytest.mark.incident("I15", "I27")
@given(standings(), observations)
def test_nothing_but_the_word_paid_pays_and_nothing_unknown_fails(standing, seen):
    move = decide(standing, seen, RetryRule())
    if move.to_state is PayoutState.PAID:
        assert seen.status is ObservedStatus.PAID
    if seen.status is ObservedStatus.UNKNOWN:
        assert move.to_state in (None, PayoutState.OUTCOME_UNKNOWN)


@pytest.mark.promise("G1")
@pytest.mark.incident("I5", "I15")
@given(standings(), observations)
def test_only_a_certain_refusal_makes_a_payout_ready_again(standing, seen):
    move = decide(standing, seen, RetryRule())
    if move.to_state is PayoutState.READY:
        assert seen.status is ObservedStatus.FAILED
        assert seen.retryable
        assert standing.state is PayoutState.SUBMITTING
        assert move.attempt_to not in LIVE_ATTEMPT


@pytest.mark.promise("G1", "G4")
@pytest.mark.incident("I6")
@given(standings(), observations)
def test_a_superseded_attempt_moves_nothing_while_a_later_one_is_under_way(standing, seen):
    move = decide(standing, seen, RetryRule())
    if not standing.attempt_is_last and standing.state in IN_PROVIDER_HANDS:
        assert move.to_state is None
        if seen.status is ObservedStatus.PAID:
            assert move.effect is Effect.CONTRADICTION


@pytest.mark.promise("G3")
@given(standings(), observations)
def test_a_step_uses_up_exactly_what_was_reserved(standing, seen):
    move = decide(standing, seen, RetryRule())
    flow: Counter[str] = Counter()
    for posting in postings(move):
        assert posting.amount_minor > 0
        debit, credit = ACCOUNTS[posting.kind]
        flow[debit] -= posting.amount_minor
        flow[credit] += posting.amount_minor
    assert sum(flow.values()) == 0
    ends = move.to_state is not None and move.to_state not in RESERVING
    assert flow["reserved"] == (-standing.reserved_minor if ends else 0)
    if move.to_state is PayoutState.PAID:
        assert flow["paid"] == standing.amount_minor
        assert flow["fees"] == move.fee_minor
    if move.to_state is PayoutState.RETURNED:
        assert flow["paid"] == -standing.amount_minor


@pytest.mark.promise("G1")
@pytest.mark.incident("I13")
@pytest.mark.parametrize("state", sorted(IN_PROVIDER_HANDS))
def test_a_payout_in_a_providers_hands_is_never_ready_by_hand(state):
    assert not may_move(state, PayoutState.HELD)
    assert not may_move(state, PayoutState.AWAITING_APPROVAL)
