"""What the demo does: stage, fund, start, work the queue, wait until nothing moves, and reckon."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rewardrails import clock
from rewardrails.cli.following import Progressing, progress_of
from rewardrails.config import Config
from rewardrails.demo.gates import Stopped, stopped
from rewardrails.demo.people import before_the_season, while_it_is_paid
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
class Begun:
    """What stood before this run started anything."""

    file: Path
    batch_id: UUID
    pools: Mapping[str, Pool]
    payouts: Progressing


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Everything the last table says; `payouts` is all there are, `begun.payouts` all there were."""

    begun: Begun
    batch: Batch
    totals: BatchTotals
    pools: Mapping[str, Pool]
    payouts: Progressing
    seconds: float
    reckoning: Reckoning
    stopped: Stopped


async def tell(folder: Path, rows: int | None, console: Console, *, timeout_seconds: float) -> Ended:
    """Run the story in `folder`; every process it started has ended when this returns or raises."""
    file = write_season(folder, rows)
    console.print(f"starting {len(RAILS)} fake providers, each a process with a journal of its own")
    async with rails_running(folder) as config_path:
        config = Config.load(config_path, env={})
        async with RewardRails.open(config, folder=folder, actor="demo") as rails:
            begun_before = await progress_of(rails.core, None)
            async with serve_running(folder, config_path) as url:
                console.print(f"'rewardrails serve' runs at {url}")
                await before_the_season(rails, console)
                begun = await _begin(rails, file, begun_before, console)
                started = clock.monotonic()
                await while_it_is_paid(rails, begun.batch_id, console, timeout_seconds=timeout_seconds)
                await _until_still(rails, begun.batch_id, console, timeout_seconds)
                seconds = clock.monotonic() - started
            # Nobody of ours writes any more, and every word of the providers is in their journals.
            return await _end(rails, folder, begun, seconds)


async def _begin(rails: RewardRails, file: Path, payouts: Progressing, console: Console) -> Begun:
    batch = await rails.stage(file)
    again = "" if batch.state is BatchState.STAGED else "; the same file as in an earlier run"
    console.print(f"staged {file.name}: {batch.rows_staged} rows, batch {batch.id}{again}")
    await _fund(rails, batch.id, console)
    pools = {pool.name: pool for pool in await rails.pools()}
    await rails.start(batch.id)
    return Begun(file=file, batch_id=batch.id, pools=pools, payouts=payouts)


async def _fund(rails: RewardRails, batch_id: UUID, console: Console) -> None:
    """Give each pool what the batch still needs and a little for fees."""
    for need in await rails.batch_needs(batch_id):
        missing = need.needed_minor * (100 + FEES_PER_CENT) // 100 - need.available_minor
        if need.pool is not None and missing > 0:
            money = Money(amount_minor=missing, asset=need.asset)
            await rails.fund(need.pool, money, source=FundingSource.MANUAL_TEST, reference="demo")
            console.print(f"funded pool {need.pool} for {need.rows} rewards")


async def _until_still(rails: RewardRails, batch_id: UUID, console: Console, timeout_seconds: float) -> None:
    """Work the manual queue until nothing moves any more, whichever run it is of, or the time is up."""
    give_up = clock.monotonic() + timeout_seconds
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        paying, by_hand = bar.add_task("payouts at their end"), bar.add_task("paid or refused by hand")
        handled = 0
        while True:
            handled += await _work_queue(rails)
            is_started = (await rails.batch(batch_id)).state is BatchState.STARTED
            now = await progress_of(rails.core, None)
            bar.update(paying, total=now.payouts, completed=now.still)
            bar.update(by_hand, total=handled + now.by_hand, completed=handled)
            if (is_started and now.still == now.payouts) or clock.monotonic() > give_up:
                return
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


async def _end(rails: RewardRails, folder: Path, begun: Begun, seconds: float) -> Ended:
    journals = [folder / "rails" / rail.name / "journal.jsonl" for rail in RAILS]
    return Ended(
        begun=begun,
        batch=await rails.batch(begun.batch_id),
        totals=await rails.batch_totals(begun.batch_id),
        pools={pool.name: pool for pool in await rails.pools()},
        payouts=await progress_of(rails.core, None),
        seconds=seconds,
        reckoning=await reckon(rails, begun.batch_id, journals),
        stopped=await stopped(rails),
    )
