"""A small configured engine for tests: two campaigns, three pools, two rails."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from rewardrails import ids
from rewardrails.config import Config
from rewardrails.domain.destination import Destination
from rewardrails.domain.posting import FundingSource
from rewardrails.domain.reward import RewardRow
from rewardrails.engine.core import Core
from rewardrails.engine.observe import Verdict, apply_observations
from rewardrails.engine.request import RequestResult, request_of, request_payouts
from rewardrails.engine.send import Budget, claim, send
from rewardrails.ledger import posting
from rewardrails.providers.base import RewardPayoutProvider
from rewardrails.secrets import Secret
from rewardrails.security.vault import Vault
from rewardrails.store.database import Database
from rewardrails.store.sql import sql

CONFIG = """
environment = "test"
network = "mainnet"

[assets.EUR]
exponent = 2
redeemable = true
[assets.USD]
exponent = 2
redeemable = true

[destination_kinds.paypal_email]
parser = "email"
assets = ["EUR"]
[destination_kinds.manual_note]
parser = "note"
assets = ["USD", "EUR"]

[pools.season-eur]
asset = "EUR"
[pools.season-usd]
asset = "USD"

[campaigns.season]
jurisdictions = ["DE", "PL"]
pools = { EUR = "season-eur", USD = "season-usd" }

[campaigns.other]
jurisdictions = ["DE"]
pools = { EUR = "season-eur" }

[providers.one]
type = "fiat_provider"
adapter = "fake"
enabled = true
[providers.two]
type = "fiat_provider"
adapter = "fake"
enabled = true
[providers.by-hand]
type = "manual"
adapter = "manual"
enabled = true

[[routes]]
campaign = "other"
destination_kind = "paypal_email"
provider = "two"
[[routes]]
destination_kind = "paypal_email"
provider = "one"
[[routes]]
destination_kind = "manual_note"
provider = "by-hand"
"""
BUDGET = Budget(max_in_flight=1000, rate_per_second=None, burst=1.0)


@asynccontextmanager
async def opened_core(
    dsn: str,
    providers: Sequence[RewardPayoutProvider],
    *,
    config: str = CONFIG,
    connections: int = 10,
    funded: int = 10**9,
) -> AsyncIterator[Core]:
    """An engine on `dsn` with these rails and `funded` smallest units in each pool."""
    parsed = Config.parse(config)
    database = await Database.connect(dsn, max_size=connections)
    core = Core(
        database=database,
        vault=Vault.of_master(Secret("m" * 48)),
        config=parsed,
        providers={provider.name: provider for provider in providers},
        actor=f"test-{ids.new_token(4)}",
    )
    async with database.transaction() as tx:
        await tx.execute(sql("ensure_provider_state"), sorted(parsed.providers), 0.0)
        for name, pool in parsed.pools.items():
            if name in await posting.pools_by_name(tx):
                continue
            made = await posting.create_pool(tx, name=name, asset=pool.asset, exponent=2, actor="test")
            if funded:
                await posting.fund(
                    tx, pool_id=made.id, source=FundingSource.SPONSOR, amount_minor=funded, reference="", actor="test"
                )
    try:
        yield core
    finally:
        await database.close()


def reward(number: int, *, amount_minor: int = 1000, campaign: str = "season", **changes: str) -> RewardRow:
    """Reward `number`, to be paid in EUR to an e-mail address."""
    fields = {"asset": "EUR", "kind": "paypal_email", "value": f"player{number}@example.org", "memo": ""} | changes
    return RewardRow(
        campaign=campaign,
        reward_id=f"r-{number}",
        player_id=f"player:{number}",
        amount_minor=amount_minor,
        asset=fields["asset"],
        jurisdiction="DE",
        destination=Destination(kind=fields["kind"], value=fields["value"], memo=fields["memo"]),
    )


async def request(core: Core, rewards: Sequence[RewardRow]) -> list[RequestResult]:
    """Take on rewards."""
    return await request_payouts(core, [request_of(core, one) for one in rewards], "test")


async def send_all(core: Core, name: str = "one", budget: Budget = BUDGET, wanted: int = 100) -> list[Verdict]:
    """Claim, send and apply one round of a provider."""
    provider = core.providers[name]
    claimed = await claim(core, provider, budget, wanted)
    return await apply_observations(core, [await send(core, provider, item) for item in claimed])


async def states(core: Core) -> dict[UUID, str]:
    """Every payout's state."""
    async with core.database.reading() as connection:
        return {
            row["id"]: row["state"] for row in await connection.fetch("SELECT id, state::text AS state FROM payout")
        }


async def pool(core: Core, name: str = "season-eur") -> Mapping[str, int]:
    """Balances of a pool by account, without empty ones."""
    async with core.database.reading() as connection:
        rows = await connection.fetch(
            "SELECT account.name::text AS name, balance FROM account JOIN pool ON pool.id = pool_id WHERE pool.name = $1",
            name,
        )
    return {row["name"]: row["balance"] for row in rows if row["balance"]}
