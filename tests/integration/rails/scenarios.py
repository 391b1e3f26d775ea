"""Crashes that are played on rails with different promises."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rewardrails import clock
from rewardrails.testing.fake_provider.journal import Accepted
from tests.support.stage import PROFILES, Stage, on_stage

CALL_SECONDS = 5.0
RESENDING = ("default", "replays-errors", "lookup-late")
LAG_SECONDS = 0.6


@contextmanager
def black_hole(port: int) -> Iterator[None]:
    """A port on which connecting neither succeeds nor fails: the queue of connections is full and nobody takes them."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(0)
        fillers = []
        try:
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
                fillers.append(filler)
            yield
        finally:
            for filler in fillers:
                filler.close()


def port_of(stage: Stage) -> int:
    return int(stage.one.url.rpartition(":")[2])


async def until_sending(stage: Stage, count: int) -> None:
    async def so() -> bool:
        return len(await stage.rows("SELECT 1 FROM attempt WHERE state = 'sending'")) == count

    await stage.until(so)


async def until_asked(stage: Stage, count: int) -> None:
    """Until so many orders have reached the provider."""

    async def so() -> bool:
        return (await stage.one.control.totals()).requests >= count

    await stage.until(so)


async def until_accepted(stage: Stage, count: int) -> None:
    async def so() -> bool:
        return (await stage.one.control.totals()).accepted >= count

    await stage.until(so)


async def until_shown(stage: Stage) -> None:
    """Until the provider's lookup has caught up, which it has long before a lease ends."""

    async def so() -> bool:
        newest = max(record.at for record in stage.journal() if isinstance(record, Accepted))
        return clock.now().timestamp() > newest + LAG_SECONDS

    await stage.until(so)


async def killed_between_storing_the_attempt_and_the_first_byte(folder: Path, dsn: str, profile: str) -> None:
    """A worker is killed while it connects: the attempt is stored and not one byte of the order has left."""
    rail = replace(PROFILES[profile], call_timeout=CALL_SECONDS)
    async with on_stage(folder, dsn, rail) as stage:
        await stage.one.kill()
        await stage.pay(*range(5))
        with black_hole(port_of(stage)):
            async with stage.worker_process():
                await until_sending(stage, 5)
        await stage.one.start()
        await stage.expire_leases()

        async with stage.working():
            await stage.until_settled()

        await stage.assert_true_to_the_journals()
        assert await stage.counts() == {"paid" if profile in RESENDING else "outcome_unknown": 5}


async def killed_while_the_provider_has_the_order_and_the_answer_is_on_its_way(
    folder: Path, dsn: str, profile: str
) -> None:
    """A worker is killed while answers dribble in, and while the provider still makes up its mind."""
    rail = replace(PROFILES[profile], call_timeout=CALL_SECONDS)
    async with on_stage(folder, dsn, rail) as stage:
        await stage.one.control.hold_webhooks()
        await stage.one.control.behave("drip", destination="player[0-4]@*", times=5)
        await stage.one.control.behave("accept_late", destination="player[5-9]@*", times=5)
        await stage.pay(*range(10))
        async with stage.worker_process():
            await until_asked(stage, 10)
            await until_accepted(stage, 5)
        await until_accepted(stage, 10)
        await until_shown(stage)
        await stage.expire_leases()

        async with stage.working():
            await stage.until_settled()
            await stage.assert_true_to_the_journals()
            assert await stage.counts() == {"outcome_unknown" if profile == "lookup-absent" else "paid": 10}
            await stage.one.control.release_webhooks()
            await stage.until_all("paid")
        await stage.assert_true_to_the_journals()


async def a_zombie_with_an_answer_in_its_hands_is_heard_and_not_obeyed(folder: Path, dsn: str, profile: str) -> None:
    """A worker stands still past its lease and wakes up with the provider's answer, after another has settled all."""
    rail = replace(PROFILES[profile], call_timeout=CALL_SECONDS)
    async with on_stage(folder, dsn, rail) as stage:
        await stage.one.control.hold_webhooks()
        await stage.one.control.behave("accept_late", times=5)
        await stage.pay(*range(5))
        async with stage.worker_process() as zombie:
            await until_asked(stage, 5)
            zombie.freeze()
            await until_accepted(stage, 5)
            await until_shown(stage)
            await stage.expire_leases()
            async with stage.working():
                await stage.until_all("paid", hurry=True)
                before = await stage.rows("SELECT id, state, version FROM payout ORDER BY id")
                zombie.thaw()

                async def heard() -> bool:
                    rows = await stage.rows(
                        "SELECT 1 FROM observation WHERE effect = 'fenced' AND actor = $1", zombie.name
                    )
                    return len(rows) == 5

                await stage.until(heard)
                assert await stage.rows("SELECT id, state, version FROM payout ORDER BY id") == before
        await stage.assert_true_to_the_journals()


async def a_zombie_stopped_before_its_first_byte_pays_nobody_twice(folder: Path, dsn: str, profile: str) -> None:
    """It wakes up with its connection just made and its order in hand, after another has taken over."""
    rail = replace(PROFILES[profile], call_timeout=CALL_SECONDS)
    async with on_stage(folder, dsn, rail) as stage:
        await stage.one.kill()
        await stage.pay(*range(5))
        async with stage.worker_process() as zombie:
            with black_hole(port_of(stage)):
                await until_sending(stage, 5)
                zombie.freeze()
            await stage.one.start()
            await stage.expire_leases()
            async with stage.working():
                await stage.until_settled()
                zombie.thaw()

                async def heard() -> bool:
                    rows = await stage.rows("SELECT DISTINCT payout_id FROM observation WHERE actor = $1", zombie.name)
                    return len(rows) == 5

                await stage.until(heard)
                await stage.until_settled()
        await stage.assert_true_to_the_journals()
        assert set((await stage.standing()).values()) <= {1}
