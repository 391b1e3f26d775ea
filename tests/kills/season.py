"""A season that is paid over HTTP by real processes, which are killed while they pay it."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import aiohttp
import asyncpg

from rewardrails.security.keys import Scope, create_key
from rewardrails.store.database import LOST
from tests.kills.company import company
from tests.support.stage import Rail, Stage, WorkerProcess

CAMPAIGN = "one"
COMMANDS = ("serve", "worker", "worker")
MIX = "settle=25,webhook=35,lose_reply=10,error_after=5,rate_limit=5,error_before=5,garbage=5,accept_late=5,fail=5"
LONGEST_MOMENT_SECONDS = 0.4
ASK_AGAIN_SECONDS = 0.05
ACCEPTED = frozenset({200, 201})
AWAY = 503


@dataclass
class Season:
    """The stage, its processes (the API's first), and what callers of the API were told."""

    stage: Stage
    processes: list[WorkerProcess]
    session: aiohttp.ClientSession
    recovered: int = 0
    told: dict[int, UUID] = field(default_factory=dict)
    refusals: list[dict[str, object]] = field(default_factory=list)

    async def pay(self, numbers: Iterable[int]) -> None:
        """Have rewards paid through the API; each caller asks again, under the same key, until it is told yes."""
        await asyncio.gather(*(self._pay(number) for number in numbers))

    async def kill_one(self, chance: random.Random) -> None:
        """Kill one process at a random moment, and start it again."""
        await asyncio.sleep(chance.uniform(0.0, LONGEST_MOMENT_SECONDS))
        victim = chance.choice(self.processes)
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.launch)

    async def let_time_pass(self) -> None:
        """Make due again and again what waits, and end the leases of processes that are gone; runs until canceled."""
        while True:
            with suppress(*LOST, asyncpg.DeadlockDetectedError):
                await self._hurry()
            await asyncio.sleep(ASK_AGAIN_SECONDS * 4)

    async def end(self, *, seconds: float) -> None:
        """Wait until every payout has ended and everything was told."""
        await self.stage.until_settled(seconds=seconds)
        await self.stage.until_told()
        await self.stage.until_settled(seconds=seconds)

    async def reckon(self, payouts: int) -> None:
        """Nobody paid twice, nobody lost, the books balance; each caller was told the truth."""
        await self.stage.assert_true_to_the_journals()
        assert set(await self.stage.counts()) <= {"paid", "failed"}
        rows = await self.stage.rows("SELECT id, reward_id FROM payout")
        assert {row["reward_id"]: row["id"] for row in rows} == {
            f"r-{number}": told for number, told in self.told.items()
        }
        assert len(self.told) == payouts

    async def _hurry(self) -> None:
        await self.stage.hurry()
        gone = await self.stage.rows(
            "UPDATE attempt SET lease_until = rr_now() - interval '1 second', sent_at = sent_at - interval '1 minute'"
            " WHERE state = 'sending' AND lease_until > rr_now() AND NOT EXISTS (SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = leased_by) RETURNING 1"
        )
        self.recovered += len(gone)

    async def _pay(self, number: int) -> None:
        while number not in self.told:
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                await self._ask(number)
            if number not in self.told:
                await asyncio.sleep(ASK_AGAIN_SECONDS)

    async def _ask(self, number: int) -> None:
        headers = {"Idempotency-Key": f"k-{number}"}
        async with self.session.post("/v1/payouts", json=_body(number), headers=headers) as answer:
            said = await answer.json(content_type=None)
            if answer.status in ACCEPTED:
                self.told[number] = UUID(said["id"])
            else:
                self.refusals.append(said)
                assert answer.status == AWAY, said


@asynccontextmanager
async def season(folder: Path, dsn: str, chance: random.Random) -> AsyncIterator[Season]:
    """A provider with every kind of trouble, one API process and two workers."""
    rail = Rail(arguments=("--mix", MIX, "--seed", str(chance.randrange(2**32))), call_timeout=2.0)
    async with company(folder, dsn, {CAMPAIGN: rail}, served_here=False) as stage:
        scopes = frozenset({Scope.PAYOUTS, Scope.READ})
        _, token = await create_key(stage.core.database, stage.core.vault, name="game", scopes=scopes, actor="test")
        processes = [WorkerProcess(stage, command) for command in COMMANDS]
        await asyncio.gather(*(asyncio.to_thread(process.launch) for process in processes))
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        async with aiohttp.ClientSession(
            stage.api, headers=headers, timeout=aiohttp.ClientTimeout(total=10)
        ) as session:
            one = Season(stage=stage, processes=processes, session=session)
            passing = asyncio.create_task(one.let_time_pass())
            try:
                yield one
            finally:
                passing.cancel()
                await asyncio.gather(passing, return_exceptions=True)
                await asyncio.gather(*(asyncio.to_thread(process.kill) for process in processes))


async def pay_while_killing(folder: Path, dsn: str, chance: random.Random, *, payouts: int, kills: int) -> int:
    """Pay a season, a part of it around every kill; answers how many orders lost their worker."""
    part = payouts // kills
    async with season(folder, dsn, chance) as one:
        paying = []
        for kill in range(kills):
            paying.append(asyncio.create_task(one.pay(range(kill * part, (kill + 1) * part))))
            await one.kill_one(chance)
        await asyncio.gather(*paying)
        await one.end(seconds=60.0 + payouts / 10)
        await one.reckon(payouts)
        assert one.refusals == []
        return one.recovered


def _body(number: int) -> dict[str, str]:
    return {
        "campaign": CAMPAIGN,
        "reward_id": f"r-{number}",
        "player_id": f"player:{number}",
        "amount": "10.00",
        "asset": "EUR",
        "jurisdiction": "DE",
        "destination_kind": "paypal_email",
        "destination": f"player{number}@example.org",
    }
