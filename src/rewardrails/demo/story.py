"""What the demo does: stage, fund, start, work the queue, wait until nothing moves, and reckon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rewardrails import clock
from rewardrails.cli.following import progress_of
from rewardrails.config import Config
from rewardrails.demo.rails import RAILS
from rewardrails.demo.reckoning import Reckoning, reckon
from rewardrails.demo.scene import rails_running, serve_running
from rewardrails.demo.season_file import write_season
from rewardrails.domain.money import Money
from rewardrails.domain.posting import FundingSource
from rewardrails.engine.batches import Batch, BatchState, BatchTotals
from rewardrails.engine.manual import ManualResult
from rewardrails.facade import RewardRails
from rewardrails.ledger.posting import Pool

LOOK_SECONDS = 0.25
QUEUE_PAGE = 200
REFUSED_BY_HAND_ONE_IN = 12
FEES_PER_CENT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Everything the last table says."""

    file: Path
    batch: Batch
    totals: BatchTotals
    new_payouts: int
    met_payouts: int
    before: Mapping[str, Pool]
    after: Mapping[str, Pool]
    seconds: float
    ended: int
    reckoning: Reckoning


async def tell(folder: Path, rows: int | None, console: Console, *, timeout_seconds: float) -> Ended:
    """Run the story in `folder`; every process it started has ended when this returns or raises."""
    file = write_season(folder, rows)
    console.print(f"starting {len(RAILS)} fake providers, each a process with a journal of its own")
    async with rails_running(folder) as config_path:
        config = Config.load(config_path, env={})
        async with RewardRails.open(config, folder=folder, actor="demo") as rails:
            async with serve_running(folder, config_path) as url:
                console.print(f"'rewardrails serve' runs at {url}")
                batch, before, payouts_before = await _begin(rails, file, console)
                started = clock.monotonic()
                ended = await _until_still(rails, batch, console, timeout_seconds)
                seconds = clock.monotonic() - started
            # Nobody writes any more: neither we nor, a moment later, the providers.
            return await _end(rails, folder, file, batch, before, payouts_before, seconds, ended)


async def _begin(rails: RewardRails, file: Path, console: Console) -> tuple[Batch, Mapping[str, Pool], int]:
    batch = await rails.stage(file)
    known = await _count(rails, batch.id)
    again = "; the same file as before" if batch.state in (BatchState.STARTED, BatchState.STARTING) else ""
    console.print(f"staged {file.name}: {batch.rows_staged} rows, batch {batch.id}{again}")
    await _fund(rails, batch.id, console)
    before = {pool.name: pool for pool in await rails.pools()}
    await rails.start(batch.id)
    return batch, before, known


async def _fund(rails: RewardRails, batch_id: UUID, console: Console) -> None:
    """Give each pool what the batch still needs and a little for fees."""
    for need in await rails.batch_needs(batch_id):
        missing = need.needed_minor * (100 + FEES_PER_CENT) // 100 - need.available_minor
        if need.pool is not None and missing > 0:
            money = Money(amount_minor=missing, asset=need.asset)
            await rails.fund(need.pool, money, source=FundingSource.MANUAL_TEST, reference="demo")
            console.print(f"funded pool {need.pool} for {need.rows} rewards")


async def _until_still(rails: RewardRails, batch: Batch, console: Console, timeout_seconds: float) -> int:
    """Work the manual queue until nothing of the batch moves any more; answers how many payouts came to their end."""
    give_up = clock.monotonic() + timeout_seconds
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    open_at_first: int | None = None
    with Progress(*columns, console=console) as bar:
        paying, by_hand = bar.add_task("paying", total=None), bar.add_task("by hand", total=None)
        handled = 0
        while True:
            handled += await _work_queue(rails)
            now = await progress_of(rails.core, batch)
            state = (await rails.batch(batch.id)).state
            open_now = now.moving + now.by_hand
            if open_at_first is None and state is BatchState.STARTED:
                open_at_first = open_now
            bar.update(paying, total=now.payouts, completed=now.payouts - open_now)
            bar.update(by_hand, total=handled + now.by_hand, completed=handled)
            if (state is BatchState.STARTED and not open_now) or clock.monotonic() > give_up:
                return now.payouts - open_now
            await clock.sleep(LOOK_SECONDS)


async def _work_queue(rails: RewardRails) -> int:
    """What people would do: pay most, refuse a few."""
    items = await rails.manual_queue(limit=QUEUE_PAGE)
    results = [_by_hand(item.payout_id) for item in items]
    if results:
        await rails.record(results)
    return len(results)


def _by_hand(payout_id: UUID) -> ManualResult:
    if payout_id.int % REFUSED_BY_HAND_ONE_IN == 0:
        return ManualResult(payout_id=payout_id, paid=False, words="the player did not come to the finals")
    return ManualResult(payout_id=payout_id, paid=True, words=f"handed over, receipt {payout_id.hex[-6:]}")


async def _count(rails: RewardRails, batch_id: UUID) -> int:
    return sum(line.payouts for line in (await rails.batch_totals(batch_id)).payouts)


async def _end(
    rails: RewardRails,
    folder: Path,
    file: Path,
    batch: Batch,
    before: Mapping[str, Pool],
    payouts_before: int,
    seconds: float,
    ended: int,
) -> Ended:
    payouts = await _count(rails, batch.id)
    journals: Sequence[Path] = [folder / "rails" / rail.name / "journal.jsonl" for rail in RAILS]
    return Ended(
        file=file,
        batch=await rails.batch(batch.id),
        totals=await rails.batch_totals(batch.id),
        new_payouts=payouts - payouts_before,
        met_payouts=payouts_before,
        before=before,
        after={pool.name: pool for pool in await rails.pools()},
        seconds=seconds,
        ended=ended,
        reckoning=await reckon(rails, batch.id, journals),
    )
