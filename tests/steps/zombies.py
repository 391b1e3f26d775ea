"""Senders that stand still between their commit and their first byte, until others have taken over, and then send."""

from rewardrails.testing.fake_provider.behaviour import Behaviour
from rewardrails.testing.steps import Fault, Kind
from tests.steps.lives import Life, ask, next_number, work
from tests.steps.living import Lived, lived
from tests.steps.shops import LATE_SECONDS, FakeShop
from tests.steps.world import World

FIRST_BYTE = "POST /v1/payouts"
LIFE = Life(behaviour="zombie", acts=(ask, work))
# A payout that the provider itself never ends is pending there, and so it is here.
BEHAVIOURS = [behaviour for behaviour in Behaviour if behaviour is not Behaviour.STUCK]


async def first_byte_at(world: World) -> int:
    """Which step of the life is the first byte to the provider."""
    done = await lived(world, LIFE, None)
    return done.steps.index(FIRST_BYTE) + 1


async def zombie(world: World, shop: FakeShop, at: int, behaviour: Behaviour, *, times: int | None) -> Lived:
    """One that wakes up when another has met the provider, whose first `times` answers are of this kind."""
    number = next_number()
    await shop.meet(number, behaviour, times=times)
    if behaviour is Behaviour.ACCEPT_LATE:
        world.landing[number] = LATE_SECONDS
    done = await lived(world, LIFE, Fault(kind=Kind.PAUSE, at=at), number=number)
    assert done.met == FIRST_BYTE
    return done
