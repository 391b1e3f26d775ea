"""Workers that stand still (SIGSTOP) beyond their lease with orders of every rail in their hands, and wake up later."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from rewardrails import clock
from rewardrails.testing.fake_provider.journal import Accepted
from tests.kills.company import EVERY_PROFILE, company
from tests.support.postgres_proxy import Proxy, postgres_proxy
from tests.support.stage import Stage, WorkerProcess

EACH = 2
LATE_REVERSAL = "late-reversal"
CLAIMS = "INSERT INTO attempt"
LAG_SECONDS = 0.6
CALL_SECONDS = 6.0
LATE_SECONDS = 3.0  # long enough for a busy machine to stop a worker before its answers come


@asynccontextmanager
async def haunted(folder: Path, dsn: str) -> AsyncIterator[tuple[Stage, Proxy]]:
    """A stage with a rail of every profile, and the proxy that a zombie reaches the database through."""
    rails = {name: replace(rail, call_timeout=CALL_SECONDS) for name, rail in EVERY_PROFILE.items()}
    stage_is_open = company(folder, dsn, rails, served_here=True, late_seconds=LATE_SECONDS)
    async with stage_is_open as stage, postgres_proxy(dsn) as proxy:
        yield stage, proxy


async def haunt(stage: Stage, proxy: Proxy, number: int) -> int:
    """One zombie, the `number`-th on this stage; answers of how many profiles it held orders."""
    scenarios = (stopped_between_commit_and_first_byte, stopped_with_the_answer_on_its_way)
    return await scenarios[number % 2](stage, proxy, first=number * EACH * len(stage.rails))


async def stopped_between_commit_and_first_byte(stage: Stage, proxy: Proxy, first: int) -> int:
    """The claims are committed; the worker stops before it hears of that, and sends only when it wakes.

    Answers of how many profiles it held orders.
    """
    await _pay(stage, first)
    before = {name: totals.requests for name, totals in (await stage.totals()).items()}
    proxy.hold_commits(CLAIMS)
    try:
        async with replace(stage, dsn=proxy.dsn).worker_process() as zombie:

            async def claimed() -> bool:
                return proxy.held >= len(stage.rails)

            await stage.until(claimed)
            zombie.freeze()
            proxy.let_go()
            assert {name: totals.requests for name, totals in (await stage.totals()).items()} == before
            return await _taken_over_and_woken(stage, zombie)
    finally:
        proxy.let_go()


async def stopped_with_the_answer_on_its_way(stage: Stage, proxy: Proxy, first: int) -> int:
    """The orders are out; the worker stops before the answers come, and reads them only when it wakes.

    Answers of how many profiles it held orders.
    """
    before = {name: totals.requests for name, totals in (await stage.totals()).items()}
    taken = {name: len(_accepted(stage, name)) for name in stage.rails}
    for rail in stage.rails.values():
        await rail.control.hold_webhooks()  # or a notice might end a payout before its lease does
        await rail.control.behave("accept_late", times=EACH)
    await _pay(stage, first)
    async with stage.worker_process() as zombie:
        await stage.until(lambda: _asked(stage, before))
        zombie.freeze()
        await stage.until(lambda: _shown(stage, taken))
        return await _taken_over_and_woken(stage, zombie)


async def _taken_over_and_woken(stage: Stage, zombie: WorkerProcess) -> int:
    """Another worker ends everything; then the zombie is heard, and not obeyed."""
    rows = await stage.rows(
        "SELECT payout_id, provider FROM attempt WHERE leased_by = $1 AND state = 'sending'", zombie.name
    )
    assert rows
    await stage.expire_leases()
    async with stage.working():
        await stage.until_settled()
        zombie.thaw()
        await stage.until(lambda: _heard(stage, zombie, {row["payout_id"] for row in rows}))
        await stage.assert_nobody_paid_twice()
        for rail in stage.rails.values():
            await rail.control.release_webhooks()
        await stage.until_told()
        await stage.until_settled()
        await stage.until(lambda: _returned(stage))
    await stage.assert_true_to_the_journals()
    return len({row["provider"] for row in rows})


async def _heard(stage: Stage, zombie: WorkerProcess, held: set[object]) -> bool:
    """Whether what each of its calls taught is kept; none of it may have had an effect.

    What it asks the rails once it is awake is another matter: that is any worker's work.
    """
    rows = await stage.rows(
        "SELECT payout_id, provider, status, effect::text AS effect FROM observation"
        " WHERE actor = $1 AND source = 'call' AND payout_id = ANY($2)",
        zombie.name,
        list(held),
    )
    obeyed = [dict(row) for row in rows if row["effect"] != "fenced"]
    assert obeyed == [], obeyed
    return {row["payout_id"] for row in rows} == held


async def _pay(stage: Stage, first: int) -> None:
    for place, name in enumerate(stage.rails):
        start = first + place * EACH
        await stage.pay(*range(start, start + EACH), campaign=name)


async def _asked(stage: Stage, before: Mapping[str, int]) -> bool:
    return all(totals.requests >= before[name] + EACH for name, totals in (await stage.totals()).items())


def _accepted(stage: Stage, name: str) -> list[float]:
    """When a provider took each order."""
    return [record.at for record in stage.journal(name) if isinstance(record, Accepted)]


async def _shown(stage: Stage, taken: Mapping[str, int]) -> bool:
    """Whether every provider has taken the new orders, and its lookup, which may lag, shows them.

    `taken` is what it had before: of what was stopped before its first byte it never saw anything.
    """
    for name in stage.rails:
        accepted = _accepted(stage, name)
        if len(accepted) < taken[name] + EACH or clock.now().timestamp() < max(accepted) + LAG_SECONDS:
            return False
    return True


async def _returned(stage: Stage) -> bool:
    """Whether the money has come back where it always does; until then two journals would be compared in motion."""
    rows = await stage.rows("SELECT 1 FROM payout WHERE campaign = $1 AND state <> 'returned'", LATE_REVERSAL)
    return not rows
