"""A season of mixed rails, paid over every vendor's double at once by real processes, with faults on and one vendor away."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from rewardrails import clock
from rewardrails.bootstrap import opened
from rewardrails.config import Config
from rewardrails.engine.request import request_of, request_payouts
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.ledger.invariants import verify
from tests.support import stage as stages
from tests.support.gates import allow_chains
from tests.support.season import reward
from tests.support.stage import ASKED_ENOUGH, HEAD, Stage, WorkerProcess, fund
from tests.vendors.hosted import Hosted
from tests.vendors.season.counterpart import STORMY, Counterpart, Weather
from tests.vendors.vendors import VENDORS, environment, section

CAMPAIGN = """
[campaigns.%(name)s]
jurisdictions = ["DE"]
pools = { EUR = "season-eur" }
[[routes]]
campaign = "%(name)s"
destination_kind = "%(kind)s"
provider = "%(name)s"
"""
COMMANDS = ("serve", "worker")
CALL_SECONDS = 2.0
AMOUNT_MINOR = 1000
CHUNK = 500
HURRY_SECONDS = 1.0
FUNDED = 10**12


@dataclass(frozen=True, kw_only=True)
class Season:
    """The engine, its processes' commands, and every vendor by name."""

    stage: Stage
    vendors: dict[str, Counterpart]

    async def take_on(self, payouts: int, *, by: Sequence[str] = ()) -> None:
        """Each vendor (of these, if any are named) in turn gets a reward to pay."""
        names = list(by or self.vendors)
        of: dict[str, list[UUID]] = {name: [] for name in names}
        for start in range(0, payouts, CHUNK):
            numbers = range(start, min(payouts, start + CHUNK))
            rewards = [
                reward(
                    number,
                    campaign=(name := names[number % len(names)]),
                    amount_minor=AMOUNT_MINOR,
                    kind=VENDORS[name].kind,
                    value=VENDORS[name].address("season", number),
                    memo=VENDORS[name].memo,
                )
                for number in numbers
            ]
            core = self.stage.core
            results = await request_payouts(core, [request_of(core, one) for one in rewards], "test")
            for number, result in zip(numbers, results, strict=True):
                assert result.payout_id is not None
                of[names[number % len(names)]].append(result.payout_id)
        for name, expected in of.items():
            vendor = self.vendors[name]
            await asyncio.wrap_future(vendor.hosted.start(vendor.expect(expected)))

    @asynccontextmanager
    async def being_paid(self) -> AsyncIterator[None]:
        """The vendors live, and the engine's processes work."""
        processes = [WorkerProcess(self.stage, command) for command in COMMANDS]
        async with AsyncExitStack() as living:
            for vendor in self.vendors.values():
                await living.enter_async_context(vendor.living())
            await asyncio.gather(*(asyncio.to_thread(process.launch) for process in processes))
            try:
                yield
            finally:
                await asyncio.gather(*(asyncio.to_thread(process.kill) for process in processes))

    async def until(self, what: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
        """Wait until it is so, while every schedule that waits is made due now and then."""
        end = clock.monotonic() + seconds
        while not await what():
            assert clock.monotonic() < end, f"it never came to be; {await self.where()}"
            await self.stage.hurry()
            await asyncio.sleep(HURRY_SECONDS)

    async def where(self) -> str:
        """How many payouts of each vendor are in each state, for people."""
        states = await self.stage.states()
        told = {
            name: dict(Counter(f"{states[one]}, {vendor.standing(one)} there" for one in set(vendor.owner.values())))
            for name, vendor in self.vendors.items()
        }
        return str(told)

    async def is_clear(self) -> bool:
        """Whether nothing is under way any more but what asking does not clear up."""
        rows = await self.stage.rows(
            "SELECT 1 FROM payout LEFT JOIN attempt ON attempt.payout_id = payout.id"
            " AND attempt.state IN ('sending', 'accepted', 'unknown')"
            " WHERE payout.state IN ('ready', 'submitting', 'pending')"
            " OR (payout.state = 'outcome_unknown' AND attempt.syncs < $1) LIMIT 1",
            ASKED_ENOUGH,
        )
        return not rows

    async def have_people_resolve(self) -> int:
        """Two people look at the vendor for what nothing cleared up, and say what they saw; answers how many."""
        rows = await self.stage.rows(
            "SELECT DISTINCT payout.id, attempt.provider FROM payout JOIN attempt ON attempt.payout_id = payout.id"
            " WHERE payout.state = 'outcome_unknown'"
        )
        for row in rows:
            stands = self.vendors[str(row["provider"])].standing(row["id"])
            outcome = Resolved.PAID if stands else Resolved.NOT_PAID
            for actor in ("first", "second"):
                evidence = "seen in the vendor's own list of payouts"
                await resolve(self.stage.core, row["id"], outcome=outcome, evidence=evidence, actor=actor)
        return len(rows)

    async def tells_what_the_vendors_tell(self) -> bool:
        """Whether every payout stands here as it stands there."""
        states = await self.stage.states()
        return all(
            vendor.standing(payout) == (states[payout] == "paid")
            for vendor in self.vendors.values()
            for payout in set(vendor.owner.values())
        )

    async def reckon(self) -> Counter[str]:
        """Nobody was paid twice and nobody missed, by the vendors' own journals, and the books say the same."""
        states, standing = await self.stage.states(), Counter[UUID]()
        for vendor in self.vendors.values():
            assert vendor.unknown_keys() == []
            for payout in set(vendor.owner.values()):
                standing[payout] = vendor.standing(payout)
                assert max(standing[payout], vendor.most[payout]) <= 1, f"{payout} was paid twice"
        for payout, state in states.items():
            assert standing[payout] == (state == "paid"), f"{payout} is {state} here and {standing[payout]} there"
        assert (await verify(self.stage.core.database)).broken == ()
        paid = await self.stage.rows(
            "SELECT COALESCE(sum(balance), 0)::bigint AS paid FROM account WHERE name = 'paid'"
        )
        assert paid[0]["paid"] == AMOUNT_MINOR * standing.total()
        return Counter(states.values())


@asynccontextmanager
async def season(
    folder: Path,
    dsn: str,
    chance: random.Random,
    *,
    names: Sequence[str] = tuple(VENDORS),
    weather: Weather = STORMY,
    limits: str = "",
) -> AsyncIterator[Season]:
    """Vendors, each with a campaign of its name, and an engine with nobody at work.

    `limits` stands in each provider's table of the configuration.
    """
    port = stages._free_port()
    async with AsyncExitStack() as stack:
        hosts = {name: Hosted(VENDORS[name]) for name in names}
        doubles = stack.enter_context(ExitStack())
        for host in hosts.values():
            doubles.enter_context(host)
        sections = [
            section(host.vendor, host.double, name=name, call_timeout=CALL_SECONDS, limits=limits)
            for name, host in hosts.items()
        ]
        secrets: dict[str, str] = {}
        for name, host in hosts.items():
            secrets |= environment(host.vendor, name=name)
        head = HEAD % {"port": port, "breaker_failures": 5, "breaker_seconds": 1.0}
        path = folder / "rewardrails.toml"
        path.write_text(
            head + "".join(sections) + "".join(CAMPAIGN % {"name": name, "kind": VENDORS[name].kind} for name in names)
        )
        config = Config.load(path, {"DATABASE_URL": dsn, **secrets})
        core = await stack.enter_async_context(opened(config, folder=folder, process="test"))
        await fund(core, FUNDED)
        await allow_chains(core)
        api = f"http://127.0.0.1:{port}"
        stage = Stage(core=core, rails={}, dsn=dsn, config=path, folder=folder, api=api, environment=secrets)
        vendors = {
            name: Counterpart(
                hosted=host,
                weather=weather,
                door=f"{api}/v1/webhooks/{name}",
                chance=random.Random(chance.randrange(2**32)),
            )
            for name, host in hosts.items()
        }
        yield Season(stage=stage, vendors=vendors)


async def pay_a_season(
    folder: Path, dsn: str, chance: random.Random, *, payouts: int, away_seconds: float
) -> Counter[str]:
    """Pay it, with one vendor away for a while; answers how payouts ended."""
    async with season(folder, dsn, chance) as one:
        await one.take_on(payouts)
        away = one.vendors[chance.choice(list(one.vendors))]
        async with one.being_paid():
            await asyncio.sleep(chance.uniform(0.5, 1.0))
            await asyncio.wrap_future(away.hosted.start(away.hosted.outage(away_seconds)))
            await one.until(one.is_clear, seconds=60.0 + payouts / 10)
            await one.have_people_resolve()
            await one.until(one.tells_what_the_vendors_tell, seconds=60.0)
        return await one.reckon()
