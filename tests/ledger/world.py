"""One database for a whole machine, emptied before every run, and the questions the machine asks it."""

import asyncio
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import uvloop

from rewardrails.domain.order import AttemptRef
from rewardrails.domain.posting import FundingSource
from rewardrails.engine.core import Core
from rewardrails.engine.send import Claimed
from rewardrails.ledger import posting
from rewardrails.ledger.invariants import verify
from tests.ledger.machine_rail import MachineRail
from tests.ledger.model import BASIS_POINTS, FIXED_FEE, Model, Payout
from tests.support.season import CONFIG, opened_core

T = TypeVar("T")
WITH_FEES = CONFIG.replace(
    "[providers.two]",
    f'fees = {{ basis_points = {BASIS_POINTS}, fixed = {{ EUR = "{FIXED_FEE / 100:.2f}" }} }}\n[providers.two]',
)
EMPTY = """
SET session_replication_role = replica;
TRUNCATE payout, transfer, submission, attempt, observation, resolution, event, bearer_value, bearer_reveal, bearer_reissue;
UPDATE account SET balance = 0;
SET session_replication_role = origin;
"""
STANDING = """
SELECT payout.id, payout.state::text AS state, payout.reserved, payout.tries, payout.fee,
    COALESCE(array_agg((a.state::text, a.fence, a.sends) ORDER BY a.attempt_no) FILTER (WHERE a.state IS NOT NULL), '{}')
        AS attempts
FROM payout LEFT JOIN attempt a ON a.payout_id = payout.id GROUP BY payout.id
"""
ACCOUNTS = "SELECT name::text AS name, balance FROM account WHERE pool_id = $1 AND balance <> 0"
LAPSE = (
    "UPDATE attempt SET lease_until = rr_now() - interval '1 second', sent_at = sent_at - interval '10 minutes'"
    " WHERE state = 'sending'"
)
DUE = (
    "UPDATE attempt SET sync_due_at = rr_now() - interval '1 second', sent_at = sent_at - interval '10 minutes'"
    " WHERE sync_due_at IS NOT NULL"
)


@dataclass
class World:
    """The engine, its rail, the model of both, and how far they have come together."""

    runner: asyncio.Runner
    core: Core
    rail: MachineRail
    owner: asyncpg.Connection
    pool_id: UUID
    steps: int = 0
    model: Model = field(default_factory=Model)
    calls: list[Claimed] = field(default_factory=list)
    transfers: dict[UUID, str] = field(default_factory=dict)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end."""
        return self.runner.run(work)

    def begin(self) -> None:
        """Nothing has ever happened."""
        self.do(self.owner.execute(EMPTY))
        self.rail.forget()
        self.model, self.calls, self.transfers = Model(), [], {}

    def at(self, place: int, *, prefer: Collection[str] = ()) -> Payout | None:
        """Some payout, of the preferred states if there is one; None while there is none at all."""
        found = [one for one in self.model.payouts if one.state in prefer] or self.model.payouts
        return found[place % len(found)] if found else None

    def payout(self, ref: AttemptRef) -> Payout:
        """The payout of an attempt."""
        return next(one for one in self.model.payouts if one.id == ref.payout_id)

    def may_still_be_paid(self, payout: Payout) -> bool:
        """Whether the rail has an order of it, or one is on its way, or a worker will yet wake up and send one."""
        on_its_way = {AttemptRef.parse(key) for key in self.rail.lost} | {call.ref for call in self.calls}
        return bool(self.rail.standing(payout.id)) or payout.id in {ref.payout_id for ref in on_its_way if ref}

    async def execute(self, statement: str) -> None:
        async with self.core.database.transaction() as tx:
            await tx.execute(statement)

    async def fund(self, source: FundingSource, amount: int) -> None:
        async with self.core.database.transaction() as tx:
            await posting.fund(tx, pool_id=self.pool_id, source=source, amount_minor=amount, reference="", actor="test")

    async def withdraw(self, source: FundingSource, amount: int) -> None:
        async with self.core.database.transaction() as tx:
            await posting.withdraw(
                tx, pool_id=self.pool_id, source=source, amount_minor=amount, reference="", actor="test"
            )

    def compare(self) -> None:
        """The database says what the model says, and its own rules hold."""
        self.do(self._compare())
        self.steps += 1

    async def _compare(self) -> None:
        async with self.core.database.reading() as connection:
            accounts = {row["name"]: row["balance"] for row in await connection.fetch(ACCOUNTS, self.pool_id)}
            found = {row["id"]: row for row in await connection.fetch(STANDING)}
            new = await connection.fetch(
                "SELECT id, transfer::text AS line FROM transfer WHERE id > $1",
                max(self.transfers, default=UUID(int=0)),
            )
        self.transfers |= {row["id"]: row["line"] for row in new}
        assert accounts == {name: balance for name, balance in self.model.accounts.items() if balance}
        assert found.keys() == {payout.id for payout in self.model.payouts}
        for payout in self.model.payouts:
            row = found[payout.id]
            stands = (row["state"], row["reserved"], row["tries"], row["fee"], [tuple(one) for one in row["attempts"]])
            assert stands == payout.stands, f"database: {stands}, model: {payout}"
            standing = len(self.rail.standing(payout.id))
            assert standing <= 1 or payout.misjudged, payout
        assert (await verify(self.core.database)).broken == ()

    async def compare_history(self) -> None:
        """Every transfer ever seen still reads as it did."""
        async with self.core.database.reading() as connection:
            rows = await connection.fetch("SELECT id, transfer::text AS line FROM transfer")
        assert {row["id"]: row["line"] for row in rows} == self.transfers


@contextmanager
def opened_world(dsn: str) -> Iterator[World]:
    """A world on a database of its own."""
    rail = MachineRail()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        opening = opened_core(dsn, [rail], config=WITH_FEES, connections=2, funded=0)
        core = runner.run(opening.__aenter__())
        owner = runner.run(asyncpg.connect(dsn))
        try:
            pool_id = runner.run(_pool_id(core))
            yield World(runner=runner, core=core, rail=rail, owner=owner, pool_id=pool_id)
        finally:
            runner.run(owner.close())
            runner.run(opening.__aexit__(None, None, None))


async def _pool_id(core: Core) -> UUID:
    async with core.database.reading() as connection:
        return (await posting.pools_by_name(connection))["season-eur"][0]
