"""Lives of a reward, each a few acts long: together they do everything that is ever done to a payout."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from rewardrails.domain.destination import Destination
from rewardrails.domain.reward import COLUMNS, RewardRow
from rewardrails.engine import batches, operate, quotes
from rewardrails.engine.core import Core
from rewardrails.engine.idempotent import IdempotentCall
from rewardrails.engine.request import request_of, request_payouts
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.engine.upload import upload
from rewardrails.intake.reader import FileFormat
from rewardrails.testing.steps import Process
from tests.steps.world import NUMBERS, World
from tests.support.season import reward

EVIDENCE = "the provider's own statement, line {number}"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One reward in the hands of one process."""

    world: World
    number: int
    behaviour: str
    process: Process

    @property
    def core(self) -> Core:
        """The process's."""
        return self.process.core

    @property
    def reward(self) -> RewardRow:
        """What is to be paid."""
        to = self.destination(self.behaviour)
        return reward(self.number, kind=to.kind, value=to.value, memo=to.memo)

    def destination(self, life: str) -> Destination:
        """Where it goes in a life that is called so."""
        shop = self.world.shop
        return Destination(kind=shop.kind, value=shop.address(life, self.number), memo=shop.memo)

    async def payout_id(self) -> UUID:
        """The reward's payout; raises when there is none."""
        found = await self.world.payout(self.number)
        assert found is not None, "no payout yet"
        return found[0]


Act = Callable[[Scene], Awaitable[object]]


async def batch(scene: Scene) -> None:
    """The season file comes, and is started."""
    wanted = scene.reward
    cells = (f"r-{scene.number}", wanted.player_id, "season", "10.00", "EUR", "DE", "paypal_email")
    content = f"{','.join(COLUMNS)}\n{','.join(cells)},{wanted.destination.value},\n".encode()
    call = IdempotentCall(client="ops", operation="file.stage", key=f"file-{scene.number}", request=b"season")
    received = await upload(scene.core, call, name="season", file_format=FileFormat.CSV, data=_arriving(content))
    await batches.start(scene.core, received.batch.id, actor="ops")


async def start(scene: Scene) -> None:
    """Its rows become payouts."""
    await scene.process.start_batches()


async def ask(scene: Scene) -> None:
    """The game asks for the payout."""
    await request_payouts(scene.core, [request_of(scene.core, scene.reward)], "game")


async def ask_under_a_quote(scene: Scene) -> None:
    """The game asks what it costs, then for the payout."""
    stored = await quotes.quote(scene.core, scene.reward, actor="game")
    pinned = await quotes.pinned(scene.core, stored.id, scene.reward)
    await request_payouts(scene.core, [request_of(scene.core, scene.reward, quote=pinned)], "game")


async def work(scene: Scene) -> None:
    """A worker sends what is ready and asks about the rest."""
    await scene.process.work_rails()


async def apply(scene: Scene) -> None:
    """A worker applies notices."""
    await scene.process.apply_notices()


async def seal(scene: Scene) -> None:
    """A worker seals the log."""
    await scene.process.seal()


async def later(scene: Scene) -> None:
    """Time passes."""
    await scene.world.later()


async def hear(scene: Scene) -> None:
    """The provider's notices come in."""
    await scene.world.hear(scene.core, scene.number)


async def hold(scene: Scene) -> None:
    """An operator holds the payout."""
    await operate.hold(scene.core, await scene.payout_id(), cause="a look", actor="ops")


async def release(scene: Scene) -> None:
    """And lets it go."""
    await operate.release_hold(scene.core, await scene.payout_id(), actor="ops")


async def cancel(scene: Scene) -> None:
    """An operator cancels it."""
    await operate.cancel(scene.core, await scene.payout_id(), actor="ops")


async def retry(scene: Scene) -> None:
    """An operator has it sent again."""
    await operate.retry(scene.core, await scene.payout_id(), actor="ops")


async def correct(scene: Scene) -> None:
    """The player gives an address that works."""
    destination = scene.destination("settle")
    await operate.correct_destination(scene.core, await scene.payout_id(), destination, actor="ops")


async def come_back(scene: Scene) -> None:
    """The bank sends the money back."""
    await scene.world.shop.send_back(scene.number)


async def propose(scene: Scene) -> None:
    """A person looks at the provider and says what they saw."""
    await _resolve(scene, "first")


async def confirm(scene: Scene) -> None:
    """Another one does."""
    await _resolve(scene, "second")


async def _resolve(scene: Scene, actor: str) -> None:
    stands = scene.world.shop.standing(scene.number)
    outcome = Resolved.PAID if stands else Resolved.NOT_PAID
    words = EVIDENCE.format(number=scene.number)
    await resolve(scene.core, await scene.payout_id(), outcome=outcome, evidence=words, actor=actor)


async def _arriving(content: bytes) -> AsyncIterator[bytes]:
    yield content


@dataclass(frozen=True, kw_only=True)
class Life:
    """What is done to a reward, how the provider meets it, and how it ends when nothing goes wrong.

    Where the provider is not `heard`, its notices never arrive.
    """

    behaviour: str
    acts: tuple[Act, ...]
    ends: str = "paid"
    heard: bool = True

    @property
    def staged(self) -> bool:
        """Whether there may be something to go on with before there is a payout."""
        return self.acts[0] is batch


LIVES: Mapping[str, Life] = {
    "from a file": Life(behaviour="settle", acts=(batch, start, work, seal), heard=False),
    "told by a notice": Life(behaviour="webhook", acts=(ask_under_a_quote, work, hear, apply)),
    "found by asking": Life(behaviour="never_notify", acts=(ask, work, later, work), heard=False),
    "answer lost": Life(behaviour="lose_reply", acts=(ask, work, later, work), heard=False),
    "canceled before it was sent": Life(behaviour="settle", acts=(ask, cancel), ends="canceled"),
    "canceled at the rail": Life(behaviour="stuck", acts=(ask, work, cancel), ends="canceled"),
    "held and released": Life(behaviour="settle", acts=(ask, hold, release, work)),
    "returned and sent again": Life(behaviour="settle", acts=(ask, work, come_back, hear, apply, retry, work)),
    "refused and corrected": Life(behaviour="refuse", acts=(ask, work, correct, retry, work)),
    "resolved by two": Life(behaviour="error_before", acts=(ask, work, propose, confirm), ends="failed"),
}


def next_number() -> int:
    """A reward that was never paid before, anywhere."""
    return next(NUMBERS)
