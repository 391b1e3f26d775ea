"""Many genuine notices and their mutants, and what an engine makes of them."""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from rewardrails.engine.core import Core
from rewardrails.engine.webhooks import verify
from rewardrails.errors import WebhookRefused
from rewardrails.testing.mutants import Forgery, Genuine, Mutant, mutants
from tests.webhooks.wire_rail import WireRail

WORDS = ("paid", "failed", "returned", "processing", "canceled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The mutants that were believed, how many distinct ones there were, and how many of each kind."""

    believed: list[Mutant]
    distinct: int
    kinds: Counter[Forgery]


def judge(core: Core, forged: Iterable[tuple[Genuine, Mutant]]) -> Judgement:
    """Show every mutant to rail `one`, and before the first of each genuine notice that notice itself."""
    believed, distinct, kinds, last = [], set(), Counter[Forgery](), None
    for genuine, mutant in forged:
        if genuine is not last:
            assert verify(core, "one", genuine.request()).observations
            last = genuine
        distinct.add(hash((mutant.request.body, tuple(sorted(mutant.request.headers.items())))))
        kinds[mutant.forgery] += 1
        try:
            verify(core, "one", mutant.request)
        except WebhookRefused:
            continue
        believed.append(mutant)
    return Judgement(believed=believed, distinct=len(distinct), kinds=kinds)


def genuine_notices(rail: WireRail, count: int, chance: random.Random) -> Iterator[Genuine]:
    """True notices about the rail's orders, each another."""
    for number in range(count):
        payout = rail.payout(chance.choice(list(rail.orders)), chance.choice(WORDS))
        yield rail.genuine(rail.body(payout), event=f"evt_{number}_{chance.getrandbits(32):08x}")


def forged_notices(
    rail: WireRail, genuine: int, each: int, seed: int, kinds: Collection[Forgery] = tuple(Forgery)
) -> Iterator[tuple[Genuine, Mutant]]:
    """`each` mutants of so many genuine notices."""
    chance = random.Random(seed)
    for good in genuine_notices(rail, genuine, chance):
        for mutant in mutants(good, count=each, seed=chance.getrandbits(32), forgeries=sorted(kinds)):
            yield good, mutant
