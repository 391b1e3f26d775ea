"""What a rail may tell of one payout, in every order and at random."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.webhooks.orders import Call, Play, Polled, Step, Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Six words about one payout (our call's answer among them), in the order in which they are true."""

    name: str
    words: Sequence[Step]
    truth: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """A play, and the rail's last word."""

    play: Play
    truth: str


_PENDING, _PAID, _RETURNED = Told("processing", "p"), Told("paid", "s"), Told("returned", "r")
LIVES = (
    Life(
        name="returned, one delivered twice",
        words=(Call(), _PENDING, Polled("paid"), _PAID, _PAID, _RETURNED),
        truth="returned",
    ),
    Life(
        name="returned, told twice",
        words=(Call(), _PENDING, _PAID, _RETURNED, Told("returned", "r2"), Polled("returned")),
        truth="returned",
    ),
    Life(
        name="paid, told twice",
        words=(Call(), Told("queued", "q"), Polled("processing"), _PENDING, _PAID, Told("paid", "s2")),
        truth="paid",
    ),
    Life(
        name="failed, delivered twice",
        words=(Call(), _PENDING, Polled("processing"), Told("failed", "f"), Told("failed", "f"), Polled("failed")),
        truth="failed",
    ),
    Life(
        name="canceled, told twice",
        words=(
            Call(),
            Told("queued", "q"),
            _PENDING,
            Polled("canceled"),
            Told("canceled", "c"),
            Told("canceled", "c2"),
        ),
        truth="canceled",
    ),
)
_WALKS = (
    ("queued", "processing", "paid"),
    ("processing", "paid", "returned"),
    ("processing", "paid", "failed"),
    ("processing", "failed"),
    ("queued", "canceled"),
    ("queued", "processing"),
    ("processing", "in_orbit", "paid"),
)


def every_life() -> list[Life]:
    """A payout that came back, with each word told again and each answer to a question; and the quick ones."""
    again = (_PENDING, _PAID, _RETURNED, Told("processing", "p2"), Told("paid", "s2"), Told("returned", "r2"))
    return [
        Life(
            name=f"returned, {more.status} again as {more.event}, polled {polled}",
            words=(Call(), _PENDING, _PAID, _RETURNED, more, Polled(polled)),
            truth="returned",
        )
        for more in again
        for polled in ("processing", "paid", "returned")
    ] + list(LIVES)


def every_order(life: Life) -> list[Play]:
    """All orders of a life's words; words that are alike count each, so six make 720."""
    return list(itertools.permutations(life.words))


def random_mix(chance: random.Random) -> Mix:
    """A life told with losses, redeliveries, repetitions and polls in any order; who asks afterwards hears the truth."""
    walk = chance.choice(_WALKS)
    told = [Told(status, f"{number}") for number, status in enumerate(walk) if chance.random() < 0.8]
    again = [chance.choice([one, Told(one.status, f"{one.event}x")]) for one in told if chance.random() < 0.4]
    polled = [Polled(chance.choice(walk)) for _ in range(chance.randrange(3))]
    words: list[Step] = [Call(), *told, *again, *polled]
    chance.shuffle(words)
    return Mix(play=words, truth=walk[-1])
