"""RewardRails inside a Python backend: every verb of the engine on one object, for one actor.

    async with RewardRails.open("rewardrails.toml", actor="season-service") as rails:
        await rails.fund("season-eur", "500.00", source=FundingSource.SPONSOR, reference="contract 12")
        result = await rails.pay_one(Reward(reward_id="r-1", ...))
        async with rails.run_worker():
            ...

Nothing is decided here; whatever a verb promises or raises, its engine module says.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self
from uuid import UUID

from rewardrails.bootstrap import WORKING_FOLDER, opened
from rewardrails.config import Config
from rewardrails.domain.assets import Asset, parse_amount
from rewardrails.domain.destination import parse_destination
from rewardrails.domain.money import Money
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.posting import FundingSource
from rewardrails.domain.reward import RewardRow, validate_row
from rewardrails.engine import batches, manual, operate, pauses, quotes, read, upload
from rewardrails.engine.batches import Batch, BatchRow, BatchTotals
from rewardrails.engine.core import Core
from rewardrails.engine.group import Group
from rewardrails.engine.idempotent import IdempotentCall
from rewardrails.engine.manual import ManualItem, ManualResult
from rewardrails.engine.needs import PoolNeed, needs
from rewardrails.engine.pauses import Pause, PauseScope, PauseStops
from rewardrails.engine.quotes import StoredQuote
from rewardrails.engine.read import EventView, PayoutFilter, PayoutHistory, PayoutView
from rewardrails.engine.request import PayoutRequest, RequestResult, RequestVerdict, request_of, request_payouts
from rewardrails.engine.resolve import Resolution, Resolved, resolve
from rewardrails.errors import ErrorCode, FieldInvalid, NotFound, RewardRailsError
from rewardrails.facade_gates import Gates
from rewardrails.intake.reader import FileFormat
from rewardrails.ledger import invariants, posting
from rewardrails.ledger.invariants import LedgerReport
from rewardrails.ledger.posting import Pool, PoolMovement
from rewardrails.security.caller import CallerKind
from rewardrails.security.wrapping import KeyWrapper
from rewardrails.worker.worker import Worker

PAY_BATCH = 500
READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """A reward as a game says it: plain text throughout, checked when it is paid or quoted.

    `amount` is a decimal such as "12.50" in whole units of `asset`; `campaign` and `reward_id` together are paid once.
    """

    reward_id: str
    player_id: str
    campaign: str
    amount: str
    asset: str
    jurisdiction: str
    destination_kind: str
    destination: str = field(repr=False)
    memo: str = field(default="", repr=False)


class RewardRails:
    """The engine with its verbs; `actor` is the name under which everything done here stands in history."""

    def __init__(self, core: Core, *, actor: str, authenticated_at: datetime | None = None) -> None:
        """Use `open`, unless there is a `Core` already. `authenticated_at` is when a person proved to be `actor`."""
        self.core = core
        self.actor = actor
        self.gates = Gates(core, actor=actor, authenticated_at=authenticated_at)
        self._authenticated_at = authenticated_at
        self._payouts: Group[PayoutRequest, RequestResult] = Group(self._request, limit=PAY_BATCH)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        config: Config | Path | str | None = None,
        *,
        folder: Path | str = WORKING_FOLDER,
        actor: str = "library",
        connections: int = 10,
        wrapper: KeyWrapper | None = None,
    ) -> AsyncIterator[Self]:
        """Reach (or start) the database and migrate it; close everything at the end of the `async with` block.

        `config` is a `Config` or the path of a `rewardrails.toml`; None reads `rewardrails.toml` here if there is one.
        `folder` keeps the embedded database and generated local secrets; `wrapper` is a key service of your own, in place of
        the master key. Raises `ConfigInvalid`, `KeyServiceUnavailable`, `FieldInvalid` for an `actor` that belongs to a key
        or a person.
        """
        if actor.partition(":")[0] in frozenset(CallerKind):
            raise FieldInvalid(
                "name your program: names such as key:... and operator:... belong to callers", field="actor"
            )
        settings = config if isinstance(config, Config) else read_config(Path(config) if config else None)
        async with opened(
            settings, folder=Path(folder), process=actor, connections=connections, wrapper=wrapper
        ) as core:
            rails = cls(core, actor=actor)
            try:
                yield rails
            finally:
                await rails._payouts.drain()

    # Rewards and payouts ----------------------------------------------------------------------------------------------

    async def quote(self, reward: Reward) -> StoredQuote:
        """What a reward will cost; hand the quote's id to `pay_one`."""
        return await quotes.quote(self.core, self._row(reward), actor=self.actor)

    async def pay(self, rewards: Sequence[Reward]) -> list[RequestResult]:
        """Take on many rewards; answers one result each, in order, and raises for none of them."""
        results: dict[int, RequestResult] = {}
        requests: dict[int, PayoutRequest] = {}
        for index, reward in enumerate(rewards):
            try:
                requests[index] = request_of(self.core, self._row(reward))
            except RewardRailsError as error:
                results[index] = RequestResult(verdict=RequestVerdict.REFUSED, code=error.code, message=error.message)
        waiting = list(requests)
        for start in range(0, len(waiting), PAY_BATCH):
            part = waiting[start : start + PAY_BATCH]
            answers = await request_payouts(self.core, [requests[index] for index in part], self.actor)
            results |= dict(zip(part, answers, strict=True))
        return [results[index] for index in range(len(rewards))]

    async def pay_one(self, reward: Reward, *, quote_id: UUID | None = None) -> RequestResult:
        """Take on one reward, in one transaction with whatever else is asked at the moment.

        Raises the `RewardRailsError` of its refusal.
        """
        row = self._row(reward)
        quote = await quotes.pinned(self.core, quote_id, row) if quote_id else None
        result = await self._payouts.submit(request_of(self.core, row, quote=quote))
        if result.verdict is RequestVerdict.REFUSED:
            raise RewardRailsError(result.message, code=result.code or ErrorCode.STATE_CONFLICT)
        return result

    async def get(self, payout_id: UUID) -> PayoutHistory:
        """A payout with its attempts, observations and events."""
        return await read.read_history(self.core, payout_id)

    async def list(
        self, wanted: PayoutFilter | None = None, *, before: UUID | None = None, limit: int = 50
    ) -> Sequence[PayoutView]:
        """Payouts, newest first."""
        return await read.list_payouts(self.core, wanted or PayoutFilter(), before=before, limit=limit)

    async def cancel(self, payout_id: UUID) -> PayoutState:
        """Stop a payout, through its rail once it was sent."""
        return await operate.cancel(self.core, payout_id, actor=self.actor)

    async def hold(self, payout_id: UUID, *, cause: str) -> None:
        """Keep a payout from being sent."""
        await operate.hold(self.core, payout_id, cause=cause, actor=self.actor)

    async def release(self, payout_id: UUID, *, reason: str = "", overrules: Collection[str] = ()) -> None:
        """Let a held payout be sent, past the gates it names in `overrules`."""
        await operate.release_hold(self.core, payout_id, actor=self.actor, reason=reason, overrules=overrules)

    async def retry(self, payout_id: UUID) -> None:
        """Send a failed or returned payout again."""
        await operate.retry(self.core, payout_id, actor=self.actor)

    async def resolve(self, payout_id: UUID, *, outcome: Resolved, evidence: str) -> Resolution:
        """Propose how an unknown outcome ended, or confirm what somebody else proposed."""
        return await resolve(
            self.core,
            payout_id,
            outcome=outcome,
            evidence=evidence,
            actor=self.actor,
            authenticated_at=self._authenticated_at,
        )

    async def correct_destination(self, payout_id: UUID, *, destination: str, memo: str = "") -> None:
        """Give an unsent, failed or returned payout another destination of the same kind."""
        rules = self.core.config.row_rules()
        for name, text in (("destination", destination), ("memo", memo)):
            if len(text) > rules.max_field_length:
                raise FieldInvalid(f"{name} is longer than {rules.max_field_length} characters", field=name)
        kind = (await read.read_payout(self.core, payout_id)).destination.kind
        if kind not in rules.kinds:
            raise RewardRailsError(
                f"the destination kind {kind!r} is not configured any more", code=ErrorCode.DESTINATION_UNSUPPORTED
            )
        parsed = parse_destination(
            rules.kinds[kind].parser, kind=kind, text=destination, memo=memo, network=rules.network
        )
        await operate.correct_destination(self.core, payout_id, parsed, actor=self.actor)

    # Pools ------------------------------------------------------------------------------------------------------------

    async def pools(self) -> Sequence[Pool]:
        """Every pool with its balances."""
        async with self.core.database.reading() as connection:
            found: list[Pool] = []
            while page := await posting.list_pools(connection, after=found[-1].id if found else None):
                found += page
        return found

    async def pool(self, name_or_id: str | UUID) -> Pool:
        """One pool with its balances. Raises `NotFound`."""
        async with self.core.database.reading() as connection:
            if isinstance(name_or_id, UUID):
                return await posting.read_pool(connection, name_or_id)
            known = await posting.pools_by_name(connection)
            if name_or_id in known:
                return await posting.read_pool(connection, known[name_or_id][0])
        with suppress(ValueError):
            return await self.pool(UUID(name_or_id))
        raise NotFound(f"there is no pool called {name_or_id!r}; there are: {', '.join(sorted(known)) or 'none'}")

    async def create_pool(self, name: str, asset: str) -> Pool:
        """Open an empty pool of a redeemable asset."""
        declared = self.core.config.pool_asset(asset)
        if not name.strip() or len(name) > 200 or not name.isprintable():
            raise FieldInvalid("a pool's name is one line of 1 to 200 characters", field="name")
        return await self.core.database.run_once(
            lambda tx: posting.create_pool(
                tx, name=name.strip(), asset=asset, exponent=declared.exponent, actor=self.actor
            )
        )

    async def fund(
        self, pool: str | UUID, amount: str | Money, *, source: FundingSource, reference: str = ""
    ) -> PoolMovement:
        """Put money into a pool; `amount` is a decimal in whole units, or `Money`."""
        target = await self.pool(pool)
        amount_minor = _minor(amount, target)
        return await self.core.database.run_once(
            lambda tx: posting.fund(
                tx,
                pool_id=target.id,
                source=source,
                amount_minor=amount_minor,
                reference=reference,
                actor=self.actor,
            )
        )

    async def withdraw(
        self, pool: str | UUID, amount: str | Money, *, source: FundingSource, reference: str = ""
    ) -> PoolMovement:
        """Give unreserved money back to a source, at most what it gave."""
        target = await self.pool(pool)
        amount_minor = _minor(amount, target)
        return await self.core.database.run_once(
            lambda tx: posting.withdraw(
                tx,
                pool_id=target.id,
                source=source,
                amount_minor=amount_minor,
                reference=reference,
                actor=self.actor,
            )
        )

    async def verify_ledger(self) -> LedgerReport:
        """Whether the books balance."""
        return await invariants.verify(self.core.database)

    # Batches ----------------------------------------------------------------------------------------------------------

    async def stage(
        self,
        file: Path | str,
        *,
        name: str = "",
        file_format: FileFormat | None = None,
        on_bytes: Callable[[int], None] | None = None,
    ) -> Batch:
        """Stage a season's file: a verdict for every row, no money moved, bounded memory.

        An interrupted staging of the same file goes on; the same bytes again answer the same batch. `on_bytes` is told
        how many bytes have been read. Raises `FileInvalid`.
        """
        path = Path(file)
        call = IdempotentCall(
            client=self.actor, operation="file.stage", key=_file_key(self.core, path), request=str(path).encode()
        )
        received = await upload.upload(
            self.core,
            call,
            name=name or path.name,
            file_format=file_format or _format_of(path),
            data=_chunks(path, on_bytes),
        )
        return received.batch

    async def start(self, batch_id: UUID) -> Batch:
        """Let a staged batch become payouts; workers do it."""
        return await batches.start(self.core, batch_id, actor=self.actor)

    async def batch(self, batch_id: UUID) -> Batch:
        """One batch."""
        return await batches.read_batch(self.core, batch_id)

    async def batches(self, *, before: UUID | None = None, limit: int = 50) -> Sequence[Batch]:
        """Batches, newest first."""
        return await batches.list_batches(self.core, before=before, limit=limit)

    async def batch_totals(self, batch_id: UUID) -> BatchTotals:
        """A batch by verdict, and its payouts by state."""
        return await batches.totals(self.core, batch_id)

    async def batch_needs(self, batch_id: UUID) -> Sequence[PoolNeed]:
        """What the rows that are not payouts yet ask of the pools."""
        return await needs(self.core, batch_id)

    async def batch_rows(self, batch_id: UUID) -> AsyncIterator[BatchRow]:
        """Every row of a batch's report, in file order, a page at a time."""
        await batches.read_batch(self.core, batch_id)
        after = 0
        while rows := await batches.report(self.core, batch_id, after_row=after):
            for row in rows:
                yield row
            after = rows[-1].row_no

    # People -----------------------------------------------------------------------------------------------------------

    async def manual_queue(self, *, after: UUID | None = None, limit: int = 50) -> Sequence[ManualItem]:
        """What waits for a person's hands, oldest first."""
        return await manual.queue(self.core, limit=limit, after=after)

    async def settle(self, payout_id: UUID, *, proof: str) -> PayoutState:
        """Record that a person paid it."""
        return await manual.settle(self.core, payout_id, proof=proof, actor=self.actor)

    async def refuse(self, payout_id: UUID, *, reason: str) -> PayoutState:
        """Record that nobody will pay it; its money is released."""
        return await manual.refuse(self.core, payout_id, reason=reason, actor=self.actor)

    async def record(self, results: Sequence[ManualResult]) -> Sequence[PayoutState | RewardRailsError]:
        """Record many results of the manual queue; answers each."""
        return await manual.record(self.core, results, self.actor)

    async def pause(
        self, scope: PauseScope, subject: str = "", *, reason: str, stops: PauseStops = PauseStops.SENDING
    ) -> Pause:
        """Stop sending, or accepting: for everything, a provider, a campaign or a player."""
        return await pauses.pause(self.core, scope=scope, subject=subject, reason=reason, actor=self.actor, stops=stops)

    async def lift(self, pause_id: UUID) -> Pause:
        """Let sending go on."""
        return await pauses.lift(self.core, pause_id=pause_id, actor=self.actor)

    async def pauses(self) -> Sequence[Pause]:
        """Pauses in force."""
        return await pauses.active(self.core)

    async def events(self, *, after: int = 0, limit: int = 100, subject_id: UUID | None = None) -> Sequence[EventView]:
        """Sealed events after a position."""
        return await read.list_events(self.core, after=after, limit=limit, subject_id=subject_id)

    # Work -------------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def run_worker(self) -> AsyncIterator[Worker]:
        """A worker in this process for as long as the block lasts; what is in flight at the end comes home first."""
        worker = Worker(self.core)
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
            await running

    async def _request(self, requests: Sequence[PayoutRequest]) -> Sequence[RequestResult]:
        return await request_payouts(self.core, requests, self.actor)

    def _row(self, reward: Reward) -> RewardRow:
        cells = (
            reward.reward_id,
            reward.player_id,
            reward.campaign,
            reward.amount,
            reward.asset,
            reward.jurisdiction,
            reward.destination_kind,
            reward.destination,
            reward.memo,
        )
        return validate_row(cells, self.core.config.row_rules())


def read_config(path: Path | None, *, default: Path = Path("rewardrails.toml")) -> Config:
    """The configuration at `path`; without one, `rewardrails.toml` of this folder if it is there, else the default."""
    if path is None and not default.exists():
        return Config.default()
    return Config.load(path or default)


def _minor(amount: str | Money, pool: Pool) -> int:
    if isinstance(amount, str):
        return parse_amount(amount, Asset(code=pool.asset, exponent=pool.exponent, redeemable=True))
    if amount.asset != pool.asset:
        raise FieldInvalid(f"pool {pool.name!r} holds {pool.asset}, not {amount.asset}", field="amount")
    return amount.amount_minor


def _format_of(path: Path) -> FileFormat:
    return FileFormat.NDJSON if path.suffix.lower() in {".ndjson", ".jsonl"} else FileFormat.CSV


def _file_key(core: Core, path: Path) -> str:
    """Names a file as it lies there, under the rules it is judged by: the same again resumes, a changed one begins anew."""
    try:
        found = path.stat()
    except OSError as error:
        raise RewardRailsError(f"{path} cannot be read ({error.strerror})", code=ErrorCode.FILE_INVALID) from error
    rules = batches.rules_digest(core.config.row_rules()).hex()
    parts = (str(path.resolve()), found.st_size, found.st_mtime_ns, rules)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


async def _chunks(path: Path, on_bytes: Callable[[int], None] | None) -> AsyncIterable[bytes]:
    done = 0
    with await asyncio.to_thread(path.open, "rb") as file:
        while data := await asyncio.to_thread(partial(file.read, READ_BYTES)):
            yield data
            done += len(data)
            if on_bytes:
                on_bytes(done)
