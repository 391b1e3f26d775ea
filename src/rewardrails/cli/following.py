"""Staying with a batch until nothing of it moves by itself any more."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rewardrails import clock
from rewardrails.cli.output import Output
from rewardrails.engine.batches import Batch, BatchState, start_chunk
from rewardrails.engine.core import Core
from rewardrails.facade import RewardRails
from rewardrails.providers.capabilities import ProviderType
from rewardrails.store.sql import sql

LOOK_SECONDS = 0.5
_MOVING = frozenset({"ready", "submitting", "pending", "outcome_unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressing:
    """How many payouts there are, how many move by themselves, how many wait for people on a manual rail."""

    payouts: int
    moving: int
    by_hand: int

    @property
    def still(self) -> int:
        """How many have come to an end, or wait for a decision."""
        return self.payouts - self.moving - self.by_hand


async def progress_of(core: Core, batch_id: UUID | None) -> Progressing:
    """Where the payouts of a batch are; None asks for all there are."""
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("payouts_by_state_and_provider"), batch_id)
    counts: Mapping[tuple[str, str | None], int] = {(row["state"], row["provider"]): row["payouts"] for row in rows}
    by_hand = sum(
        count for (state, provider), count in counts.items() if state == "pending" and _is_manual(core, provider)
    )
    moving = sum(
        count
        for (state, provider), count in counts.items()
        # Nothing sends what is ready for a provider that is off.
        if state in _MOVING and (state != "ready" or core.sends(provider))
    )
    return Progressing(payouts=sum(counts.values()), moving=moving - by_hand, by_hand=by_hand)


async def follow(rails: RewardRails, output: Output, batch: Batch, *, timeout_seconds: float) -> None:
    """Show progress until nothing moves, the time is up, or there is no worker to move it."""
    give_up = clock.monotonic() + timeout_seconds
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=output.notes, disable=output.machine, transient=True) as bar:
        task = bar.add_task("paying", total=None)
        while True:
            # Also without a worker the rows become payouts; only sending needs one.
            if (await rails.batch(batch.id)).state is BatchState.STARTING:
                await start_chunk(rails.core, batch.id)
                continue
            now = await progress_of(rails.core, batch.id)
            bar.update(task, total=now.payouts, completed=now.payouts - now.moving)
            if now.moving == 0:
                break
            if clock.monotonic() > give_up:
                output.say(
                    f"{now.moving} payouts still move after {timeout_seconds:g} s; they go on without this command"
                )
                break
            if not await _workers(rails.core):
                output.say(f"{now.moving} payouts wait and no worker runs: start 'rewardrails serve'")
                break
            await clock.sleep(LOOK_SECONDS)
    if now.by_hand:
        output.say(f"{now.by_hand} payouts wait for people: rewardrails manual next")


async def _workers(core: Core) -> int:
    async with core.database.reading() as connection:
        return len(await connection.fetch(sql("live_workers")))


def _is_manual(core: Core, provider: str | None) -> bool:
    settings = core.config.providers.get(provider or "")
    return settings is not None and settings.type is ProviderType.MANUAL
