"""One simulated world: rails, processes, people, post, a database, and the time they share."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache

from rewardrails import clock, ids
from rewardrails.config import Config
from rewardrails.domain.destination import Destination
from rewardrails.domain.posting import FundingSource
from rewardrails.domain.reward import RewardRow
from rewardrails.engine.core import Core
from rewardrails.ledger import posting
from rewardrails.secrets import Secret
from rewardrails.security.vault import Vault
from rewardrails.store.sql import sql
from rewardrails.testing.simulation.chance import Chance
from rewardrails.testing.simulation.database import GatedPool, Store, gated_database
from rewardrails.testing.simulation.journal import Creation
from rewardrails.testing.simulation.post import Notice
from rewardrails.testing.simulation.profile import draw_profile
from rewardrails.testing.simulation.rail import FEE_BASIS_POINTS, SimulatedRail, notice_body
from rewardrails.testing.simulation.snapshot import Snapshot, read_snapshot
from rewardrails.testing.simulation.story import Story
from rewardrails.testing.simulation.turns import Turns
from rewardrails.testing.simulation.virtual import SeededIds, VirtualTime

RAILS = ("rail-one", "rail-two")
CAMPAIGNS = ("season", "other")
WORKERS = ("worker 1", "worker 2", "worker 3")
OPERATORS = ("operator 1", "operator 2")
API = "the API"
FUNDED = 100_000
_CONFIG = f"""
environment = "test"
[assets.EUR]
exponent = 2
redeemable = true
[destination_kinds.paypal_email]
parser = "email"
assets = ["EUR"]
[pools.season-eur]
asset = "EUR"
[campaigns.season]
jurisdictions = ["DE"]
pools = {{ EUR = "season-eur" }}
[campaigns.other]
jurisdictions = ["DE"]
pools = {{ EUR = "season-eur" }}
[[routes]]
campaign = "other"
destination_kind = "paypal_email"
provider = "{RAILS[1]}"
[[routes]]
destination_kind = "paypal_email"
provider = "{RAILS[0]}"
""" + "".join(
    f"""
[providers."{name}"]
type = "fiat_provider"
adapter = "fake"
enabled = true
fees = {{ basis_points = {FEE_BASIS_POINTS} }}
"""
    for name in RAILS
)


@cache
def _config() -> Config:
    return Config.parse(_CONFIG, {})


@cache
def _vault() -> Vault:
    return Vault.of_master(Secret("simulation" * 5))


@dataclass(kw_only=True)
class World:
    """Everything that is, at one moment of a run."""

    turns: Turns
    time: VirtualTime
    pool: GatedPool
    store: Store
    core: Core
    rails: dict[str, SimulatedRail]
    story: Story
    notices: list[Notice] = field(default_factory=list)
    told_notices: int = 0
    snapshot: Snapshot = field(default_factory=Snapshot)
    broken: list[str] = field(default_factory=list)
    looked: dict[str, str] = field(default_factory=dict)

    def core_of(self, process: str) -> Core:
        """The engine as this process has it."""
        return replace(self.core, actor=process)

    def reward_of(self, payout: str) -> int:
        """The number of the reward that this payout (32 hex digits) pays; 0 when there is none."""
        return next((one.reward for one in self.snapshot.payouts if one.id == payout), 0)

    def post_of(self, rail: SimulatedRail, creation: Creation) -> None:
        """A rail puts a notice about a payout in the post."""
        self.told_notices += 1
        about = f"{creation.status.value}, reward {self.reward_of(creation.payout)}, {creation.reference.split('-')[1]}"
        self.notices.append(
            Notice(
                number=self.told_notices,
                rail=rail.name,
                body=notice_body(rail, creation),
                signed_by=rail.secret,
                about=about,
            )
        )

    async def look(self) -> None:
        """Read the database."""
        self.snapshot = await read_snapshot(self.store.raw)


@asynccontextmanager
async def new_world(store: Store, seed: int, prepare: Callable[[World], None] | None = None) -> AsyncIterator[World]:
    """A world of this seed with a funded pool; its clock and ids are the process's until the block ends."""
    await store.empty()
    turns = Turns()
    time = VirtualTime(turns=turns)
    story = Story(time)
    chance = Chance(f"rails of {seed}")
    rails = {name: SimulatedRail(name, draw_profile(chance), turns, time, story.note) for name in RAILS}
    pool = GatedPool(store.raw, turns, time)
    core = Core(database=gated_database(pool), vault=_vault(), config=_config(), providers=rails, actor="")
    world = World(turns=turns, time=time, pool=pool, store=store, core=core, rails=rails, story=story)
    for rail in rails.values():
        rail.changed = world.post_of
    if prepare:
        prepare(world)
    with clock.use(time), ids.use(SeededIds(seed)):
        await _furnish(core)
        try:
            yield world
        finally:
            for actor in list(turns):
                if actor.stop is not None:
                    await turns.kill(actor)


async def _furnish(core: Core) -> None:
    async with core.database.transaction() as tx:
        await tx.execute(sql("ensure_provider_state"), list(RAILS), 0.0)
        pool = await posting.create_pool(tx, name="season-eur", asset="EUR", exponent=2, actor="nobody")
        await posting.fund(
            tx, pool_id=pool.id, source=FundingSource.SPONSOR, amount_minor=FUNDED, reference="", actor="nobody"
        )


def reward(number: int, *, change: int = 0) -> RewardRow:
    """Reward `number`; every third is the other campaign's. `change` makes its content another one's."""
    return RewardRow(
        campaign=CAMPAIGNS[number % 3 == 0],
        reward_id=f"r-{number}",
        player_id=f"player:{number}",
        amount_minor=1000 * number + change,
        asset="EUR",
        jurisdiction="DE",
        destination=destination(number, 0),
    )


def destination(number: int, version: int) -> Destination:
    """Where a player wants their reward, as first told or as corrected."""
    return Destination(kind="paypal_email", value=f"player{number}.{version}@example.org", memo="")
