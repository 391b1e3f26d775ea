"""Every order of submit, refusal, release, retry, cancel and a notice that it was paid: nobody is paid twice."""

import pytest

from tests.ledger.sequence_rail import Behaviour
from tests.ledger.sequences import Event, Events, Shape, all_sequences, count_up_to, sequences_on

pytestmark = [pytest.mark.promise("G1", "G3"), pytest.mark.incident("I5", "I13", "I10")]

LONGEST = 6
EACH_ONE_UP_TO = 4
BEHAVIOURS = [Behaviour.ACCEPTS, Behaviour.LOSES_THE_ANSWER, Behaviour.FINDS_IT_LATE]


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_every_short_order_of_events_pays_once_and_balances(database_dsn, behaviour, trials):
    async with sequences_on(database_dsn, behaviour) as runner:
        await runner.run(list(all_sequences(EACH_ONE_UP_TO)))
    trials(count_up_to(EACH_ONE_UP_TO))


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_every_order_of_six_events_pays_once_and_balances(database_dsn, behaviour, trials):
    """Sequences that leave a payout in the same shape are one from there on: the first of them stands for all.

    That the shape holds all that matters is an argument, not a proof; the night runs every one of them.
    """
    async with sequences_on(database_dsn, behaviour) as runner:
        first: dict[Shape, Events] = {(): ()}
        edge: list[Events] = [()]
        made = 0
        for _ in range(LONGEST):
            tried = [(*events, event) for events in edge for event in Event]
            made += len(tried)
            edge = []
            for shape, events in zip(await runner.run(tried), tried, strict=True):
                if first.setdefault(shape, events) is events:
                    edge.append(events)
            if not edge:
                break
    assert any("paid" in shape for shape in first)
    trials(made)
