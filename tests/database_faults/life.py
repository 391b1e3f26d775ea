"""A few payouts' whole lives, through a database that breaks: staged, started, sent, polled, told of, canceled, returned.

The callers here are honest ones: whoever was cut off asks again, as an API client or a worker's loop does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg
from standardwebhooks import Webhook

from rewardrails import FundingSource, RewardRails, clock
from rewardrails.bootstrap import opened
from rewardrails.config import Config
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.engine.accept import Acceptance, accept
from rewardrails.engine.batches import open_batch, stage, start, start_chunk
from rewardrails.engine.core import Core
from rewardrails.engine.idempotent import IdempotentCall, StoredResponse
from rewardrails.engine.observe import apply_observations
from rewardrails.engine.operate import cancel, hold, release_hold, retry
from rewardrails.engine.request import request_of
from rewardrails.engine.send import claim, send
from rewardrails.engine.sync import apply_answers, ask, claim_expired, claim_to_sync
from rewardrails.engine.webhooks import apply_notices, store_notices, verify
from rewardrails.events.seal import seal
from rewardrails.intake.reader import FileFormat
from rewardrails.ledger.invariants import verify as verify_books
from rewardrails.testing.fake_provider.journal import Noticed
from tests.support.postgres_proxy import How, Made, Proxy, postgres_proxy
from tests.support.season import BUDGET, reward
from tests.support.stage import Rail, Stage, on_stage

CUT_OFF = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError)
ASKS_AGAIN = 20
HASTE = 20
RECOVERY_SECONDS = 30.0
HEADER = "reward_id,player_id,campaign,amount,asset,jurisdiction,destination_kind,destination,memo\n"
POLLED, TOLD, CANCELED, HELD = range(4)
ENDS = {POLLED: "paid", TOLD: "canceled", CANCELED: "canceled", HELD: "canceled"}


@dataclass
class Theatre:
    """A healthy stage, and a second engine whose every word to the database goes through the proxy."""

    stage: Stage
    proxy: Proxy
    core: Core
    lives: int = 0

    async def live(self, cuts: Mapping[int, How], *, in_each_step: bool = False) -> Sequence[Made]:
        """One life with these cuts, and its reckoning; answers the cuts that were made.

        Statements are counted over the whole life, or `in_each_step` anew.
        """
        life = Life(stage=self.stage, core=self.core, number=self.lives)
        self.lives += 1
        before = len(self.proxy.made)
        self.proxy.arm(cuts)
        for step in life.steps:
            if in_each_step:
                self.proxy.arm(cuts)
            await _insist(step)
        self.proxy.arm({})
        await life.reckon()
        return self.proxy.made[before:]


class HastyClock(clock.SystemClock):
    """Waits between tries are shorter here; what is tried stays the same."""

    async def sleep(self, seconds: float) -> None:
        """Come back sooner."""
        await asyncio.sleep(seconds / HASTE)


@asynccontextmanager
async def theatre(folder: Path, dsn: str) -> AsyncIterator[Theatre]:
    """A stage whose provider does nothing by itself, and whose webhooks the test delivers."""
    rail = Rail(arguments=("--mix", "stuck=1"), call_timeout=2.0)
    async with on_stage(folder, dsn, rail) as healthy, postgres_proxy(dsn) as proxy:
        await healthy.one.control.hold_webhooks()
        config = Config.load(healthy.config, {"DATABASE_URL": proxy.dsn})
        async with opened(config, folder=folder, process="faulty", connections=2) as core:
            with clock.use(HastyClock()):
                yield Theatre(stage=healthy, proxy=proxy, core=core)


@dataclass
class Life:
    """Four rewards from their file, or the API's door, to their end."""

    stage: Stage
    core: Core
    number: int
    batch: UUID | None = None
    told: list[bytes] = field(default_factory=list)

    @property
    def steps(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """Every step, in order."""
        return (
            self._fund,
            self._stage_file,
            self._start,
            self._accept,
            self._hold_and_cancel,
            self._send,
            self._poll,
            self._settle_and_poll,
            self._cancel_at_the_rail,
            self._tell_paid,
            self._tell_returned,
            self._retry,
            self._cancel_unsent,
            self._seal,
        )

    async def reckon(self) -> None:
        """Nobody paid twice, nobody lost, the books balance; truth is the provider's journal."""
        assert await self._states() == ENDS
        await self.stage.assert_nobody_paid_twice()
        assert (await verify_books(self.stage.core.database)).broken == ()
        funded = await self.stage.rows("SELECT 1 FROM transfer WHERE reference = $1", self._name)
        assert len(funded) == 1

    @property
    def _name(self) -> str:
        return f"life {self.number}"

    async def _fund(self) -> None:
        """The library's door: money put in once is there once."""
        rails = RewardRails(self.core, actor="test")
        await rails.fund("season-eur", "40.00", source=FundingSource.SPONSOR, reference=self._name)

    async def _stage_file(self) -> None:
        opened_batch = await open_batch(self.core, name="life.csv", file_format=FileFormat.CSV, actor="test")
        self.batch = (await stage(self.core, opened_batch, self._file())).id

    async def _start(self) -> None:
        assert self.batch is not None
        await start(self.core, self.batch, actor="test")
        while await start_chunk(self.core, self.batch):
            pass

    async def _accept(self) -> None:
        """The API's door; whoever asks twice with one key hears the same twice."""
        first, second = [await self._ask_for(self._reward_number(HELD)) for _ in range(2)]
        payout_id = (await self._payouts())[HELD]
        assert first.body == second.body == payout_id.bytes
        assert second.replayed

    async def _hold_and_cancel(self) -> None:
        payout_id = (await self._payouts())[HELD]
        await hold(self.core, payout_id, cause="test", actor="test")
        await release_hold(self.core, payout_id, actor="test")
        assert await cancel(self.core, payout_id, actor="test") == "canceled"

    async def _send(self) -> None:
        provider = self.core.providers["one"]
        claimed = await claim(self.core, provider, BUDGET, 10)
        await apply_observations(self.core, [await send(self.core, provider, item) for item in claimed])
        await self._recover()

    async def _recover(self) -> None:
        """What other workers, with a healthy connection, make of orders whose worker was cut off; in fast motion."""
        sent = {POLLED, TOLD, CANCELED}
        async with asyncio.timeout(RECOVERY_SECONDS):
            while {(await self._states())[which] for which in sent} != {"pending"}:
                await self.stage.expire_leases()
                await self.stage.hurry()
                await _one_round(self.stage.core)

    async def _poll(self) -> None:
        await self.stage.hurry()
        await _poll(self.core)

    async def _settle_and_poll(self) -> None:
        await self._move(POLLED, "paid", notify=False)
        await self._poll()
        assert (await self._states())[POLLED] == "paid"

    async def _cancel_at_the_rail(self) -> None:
        payout_id = (await self._payouts())[CANCELED]
        assert await cancel(self.core, payout_id, actor="test") == "canceled"

    async def _tell_paid(self) -> None:
        await self._tell("paid")

    async def _tell_returned(self) -> None:
        await self._tell("returned")

    async def _retry(self) -> None:
        """A person has the returned one sent again ..."""
        await retry(self.core, (await self._payouts())[TOLD], actor="test")

    async def _cancel_unsent(self) -> None:
        """... and thinks better of it."""
        assert await cancel(self.core, (await self._payouts())[TOLD], actor="test") == "canceled"

    async def _seal(self) -> None:
        await seal(self.core.database, [])

    async def _tell(self, status: str) -> None:
        """The provider's own notice, its very bytes, comes in by our door and is applied."""
        await self._move(TOLD, status, notify=True)
        newest = [record for record in self.stage.journal() if isinstance(record, Noticed)][-1]
        notice = verify(self.core, "one", _signed(newest, self.stage.one.webhook_secret))
        await store_notices(self.core, [notice])
        await apply_notices(self.core, 10)
        assert (await self._states())[TOLD] == status

    async def _move(self, which: int, status: str, *, notify: bool) -> None:
        """Make it the truth at the provider."""
        key = AttemptRef(payout_id=(await self._payouts())[which], attempt_no=1).rail_key
        await self.stage.one.control.move(key, status, notify=notify)

    async def _ask_for(self, number: int) -> StoredResponse:
        call = IdempotentCall(client="key:test", operation="payouts.create", key=f"k-{number}", request=b"%d" % number)
        item = Acceptance(
            call=call,
            request=request_of(self.core, reward(number)),
            render=lambda result: (201, result.payout_id.bytes if result.payout_id else b""),
        )
        (answer,) = await accept(self.core, [item])
        assert isinstance(answer, StoredResponse)
        return answer

    async def _file(self) -> AsyncIterator[bytes]:
        numbers = [self._reward_number(which) for which in (POLLED, TOLD, CANCELED)]
        rows = [f"r-{n},player:{n},season,10.00,EUR,DE,paypal_email,player{n}@example.org,\n" for n in numbers]
        yield (HEADER + "".join(rows)).encode()

    async def _payouts(self) -> dict[int, UUID]:
        return {which: row["id"] for which, row in (await self._rows()).items()}

    async def _states(self) -> dict[int, str]:
        return {which: row["state"] for which, row in (await self._rows()).items()}

    async def _rows(self) -> dict[int, Mapping[str, object]]:
        names = {f"r-{self._reward_number(which)}": which for which in ENDS}
        rows = await self.stage.rows(
            "SELECT id, reward_id, state::text AS state FROM payout WHERE reward_id = ANY($1)", list(names)
        )
        return {names[row["reward_id"]]: row for row in rows}

    def _reward_number(self, which: int) -> int:
        return self.number * len(ENDS) + which


async def _insist(step: Callable[[], Awaitable[None]]) -> None:
    for asked in range(ASKS_AGAIN):
        try:
            return await step()
        except CUT_OFF:
            if asked == ASKS_AGAIN - 1:
                raise
    return None


async def _poll(core: Core) -> None:
    provider = core.providers["one"]
    asked = await claim_to_sync(core, provider, 10)
    await apply_answers(core, provider, [(item, await ask(provider, item)) for item in asked])


async def _one_round(core: Core) -> None:
    """One turn of everything a worker does."""
    provider = core.providers["one"]
    while await start_chunk(core):
        pass
    await apply_notices(core, 10)
    expired = await claim_expired(core, provider, 10)
    await apply_answers(core, provider, [(item, await ask(provider, item)) for item in expired])
    await _poll(core)
    claimed = await claim(core, provider, BUDGET, 10)
    await apply_observations(core, [await send(core, provider, item) for item in claimed])


def _signed(notice: Noticed, secret: str) -> WebhookRequest:
    at = clock.now()
    headers = {
        "webhook-id": notice.event,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(notice.event, at, notice.body),
    }
    return WebhookRequest(body=notice.body.encode(), headers=headers, received_at=at)
