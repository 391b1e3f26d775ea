"""The simulation finds what it is for: engines that were broken on purpose."""

from collections.abc import Callable

import pytest

from rewardrails.domain.observation import Absent, Observation, ObservedStatus
from rewardrails.domain.outcome import OutcomeUnknown, Rejected
from rewardrails.engine import observe, send, sync
from rewardrails.errors import ErrorCode
from rewardrails.store.sql import sql
from rewardrails.testing.simulation.campaign import run_seeds
from rewardrails.testing.simulation.world import World

# Runs spent on making a story short.
TRIES = 120
Break = Callable[[pytest.MonkeyPatch], Callable[[World], None] | None]
_observation, _observation_of = sync._observation, send.observation_of


def not_found_makes_payable(patch: pytest.MonkeyPatch) -> None:
    """I1: what the rail does not know is taken for refused, and goes out again under a new key."""
    refused = Observation(status=ObservedStatus.FAILED, code=ErrorCode.PROVIDER_REJECTED, retryable=True)
    patch.setattr(sync, "_observation", lambda answer: refused if isinstance(answer, Absent) else _observation(answer))


def unknown_is_failed(patch: pytest.MonkeyPatch) -> None:
    """I15: a lost answer is taken for a refusal."""
    refused = Rejected(code=ErrorCode.PROVIDER_UNAVAILABLE, retryable=True)

    def observation_of(outcome: object, **figures: object) -> Observation:
        return _observation_of(refused if isinstance(outcome, OutcomeUnknown) else outcome, **figures)

    patch.setattr(send, "observation_of", observation_of)


def notices_are_believed(patch: pytest.MonkeyPatch) -> None:
    """I24: a genuine notice is believed, whatever it speaks of."""
    patch.setattr(observe, "_believe", lambda _core, item, _payout, _attempt: item.observation)


def a_new_key_for_every_sending(_patch: pytest.MonkeyPatch) -> Callable[[World], None]:
    """I5: a payout whose absence was proved goes out under another key."""
    return _edited("SELECT a.attempt_no, s.prepared", "SELECT a.attempt_no + 1 AS attempt_no, s.prepared")


def released_money_stays_reserved(_patch: pytest.MonkeyPatch) -> Callable[[World], None]:
    """G3: the books keep what a failed payout had reserved."""
    return _edited(
        "credit, amount) ON row.payout_id = moved.id",
        "credit, amount) ON row.payout_id = moved.id AND row.kind <> 'release'",
    )


def _edited(text: str, other: str) -> Callable[[World], None]:
    assert any(text in sql(name) for name in ("claim_ready", "write_moves"))

    def prepare(world: World) -> None:
        world.pool.before_statement = lambda statement: statement.replace(text, other)

    return prepare


@pytest.mark.parametrize(
    ("broken", "promise", "seeds"),
    [
        (not_found_makes_payable, "G1", 150),
        (unknown_is_failed, "G1", 60),
        (notices_are_believed, "G4", 60),
        (a_new_key_for_every_sending, "G2", 60),
        (released_money_stays_reserved, "G3", 60),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_a_broken_engine_is_found_and_its_story_told_in_few_steps(monkeypatch, store, broken, promise, seeds):
    summary = await run_seeds(store, range(seeds), prepare=broken(monkeypatch), tries=TRIES)

    assert summary.failing is not None, f"{seeds} seeds did not find it"
    print(summary)  # noqa: T201 - the story is what it is all for
    assert summary.failing.broken[0].startswith(promise)
    assert len(summary.failing.steps) <= 25
    assert "BROKEN" in summary.failing.story
