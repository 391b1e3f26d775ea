"""Many at once on one pool and on one payout: rounds that a test repeats as often as it likes."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from uuid import UUID

from rewardrails.domain.observation import Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.posting import FundingSource
from rewardrails.engine.core import Core
from rewardrails.engine.observe import apply_observations, new_seen
from rewardrails.engine.operate import cancel, hold, release_hold, retry
from rewardrails.engine.request import RequestVerdict
from rewardrails.engine.send import claim
from rewardrails.errors import ErrorCode, PoolExhausted, RewardRailsError
from rewardrails.ledger import posting
from rewardrails.ledger.invariants import verify
from tests.ledger.sequence_rail import Behaviour, SequenceRail
from tests.support.season import BUDGET, opened_core, pool, request, reward, send_all, states

CLIENTS = 64
CONNECTIONS = 24
AT_ONCE = 50
PAYOUT_MINOR = 100
_POOL_ID = "SELECT id FROM pool WHERE name = 'season-eur'"


async def rounds_on_one_pool(dsn: str, rounds: int, seed: int = 0) -> int:
    """So many rounds of 64 clients on one pool; answers how many they were."""
    rail = SequenceRail(Behaviour.ACCEPTS)
    async with opened_core(dsn, [rail], connections=CONNECTIONS, funded=0) as core:
        for number in range(rounds):
            await one_pool(core, random.Random(seed * rounds + number), number * 1000)
    return rounds


async def rounds_on_one_payout(dsn: str, rounds: int, seed: int = 0) -> int:
    """So many rounds of fifty callers on a payout of their own; answers how many they were."""
    rail = SequenceRail(Behaviour.ACCEPTS)
    async with opened_core(dsn, [rail], connections=CONNECTIONS) as core:
        for number in range(rounds):
            await one_payout(core, rail, random.Random(seed * rounds + number), number)
    return rounds


async def rounds_with_one_winner(dsn: str, rounds: int) -> int:
    """So many payouts, each held, released, retried and claimed by fifty at once; answers how many contests that was."""
    rail = SequenceRail(Behaviour.REFUSES)
    async with opened_core(dsn, [rail], connections=CONNECTIONS) as core:
        for number in range(rounds):
            (result,) = await request(core, [reward(number)])
            one = partial(one_winner, core, lost=ErrorCode.STATE_CONFLICT)
            await one(partial(hold, core, result.payout_id, cause="looks odd", actor="ops"))
            await one(partial(release_hold, core, result.payout_id, actor="ops"))
            await send_all(core)
            await one(partial(retry, core, result.payout_id, actor="ops"))
            await one_claim(core, rail)
    return 4 * rounds


async def one_pool(core: Core, chance: random.Random, first_number: int) -> None:
    """64 clients ask, fund and withdraw at once: never overspent, and every one has an answer of ours."""
    async with core.database.reading() as connection:
        pool_id = await connection.fetchval(_POOL_ID)
    await _move(core, pool_id, posting.fund, chance.randrange(1, CLIENTS) * PAYOUT_MINOR)
    work = [_client(core, pool_id, chance.random(), first_number + 2 * client) for client in range(CLIENTS)]
    accepted = sum(await asyncio.gather(*work))
    balances = await pool(core)
    assert all(balances.get(name, 0) >= 0 for name in ("available", "reserved", "paid", "fees")), balances
    async with core.database.reading() as connection:
        made = await connection.fetchval(
            "SELECT count(*) FROM payout WHERE reward_id = ANY ($1)",
            [f"r-{number}" for number in range(first_number, first_number + 2 * CLIENTS)],
        )
    assert made == accepted
    assert (await verify(core.database)).broken == ()


async def _client(core: Core, pool_id: UUID, what: float, number: int) -> int:
    """One client's turn; answers how many payouts it was granted."""
    if what < 0.1:
        await _move(core, pool_id, posting.fund, PAYOUT_MINOR)
        return 0
    if what < 0.2:
        with suppress(PoolExhausted):
            await _move(core, pool_id, posting.withdraw, 3 * PAYOUT_MINOR)
        return 0
    results = await request(core, [reward(number + n, amount_minor=PAYOUT_MINOR) for n in range(2)])
    assert {result.code for result in results} <= {None, ErrorCode.POOL_EXHAUSTED}
    return sum(result.verdict is RequestVerdict.ACCEPTED for result in results)


async def _move(core: Core, pool_id: UUID, verb: Callable[..., Awaitable[object]], amount: int) -> None:
    await core.database.run(
        lambda tx: verb(
            tx, pool_id=pool_id, source=FundingSource.SPONSOR, amount_minor=amount, reference="", actor="test"
        )
    )


async def one_payout(core: Core, rail: SequenceRail, chance: random.Random, number: int) -> None:
    """Fifty at once on one payout: anything goes but a raw error, a second payment, or books that do not balance."""
    (result,) = await request(core, [reward(number, amount_minor=PAYOUT_MINOR)])
    payout_id = result.payout_id
    assert payout_id is not None
    rail.behaviour = chance.choice([Behaviour.ACCEPTS, Behaviour.LOSES_THE_ANSWER, Behaviour.REFUSES])
    doers = [chance.choice(_DOERS) for _ in range(AT_ONCE)]
    answers = await asyncio.gather(*(do(core, rail, payout_id) for do in doers), return_exceptions=True)
    raw = [one for one in answers if isinstance(one, BaseException) and not isinstance(one, RewardRailsError)]
    assert raw == []
    book = rail.books[payout_id.hex]
    state = (await states(core))[payout_id]
    assert len(book.standing) <= 1
    assert state != "paid" or book.standing
    assert state not in {"failed", "canceled"} or not book.standing
    assert (await verify(core.database)).broken == ()


async def one_winner(core: Core, verb: Callable[[], Awaitable[object]], *, lost: ErrorCode) -> None:
    """The same verb fifty times at once: one call does it, the others are told so."""
    answers = await asyncio.gather(*(verb() for _ in range(AT_ONCE)), return_exceptions=True)
    told = Counter(one.code if isinstance(one, RewardRailsError) else type(one) for one in answers)
    assert told == {type(None): 1, lost: AT_ONCE - 1}, told
    assert (await verify(core.database)).broken == ()


async def one_claim(core: Core, rail: SequenceRail) -> None:
    """Fifty workers at once after one ready payout: one has it."""
    taken: Sequence[object] = await asyncio.gather(*(claim(core, rail, BUDGET, 1) for _ in range(AT_ONCE)))
    assert sum(bool(one) for one in taken) == 1


async def _send(core: Core, rail: SequenceRail, payout_id: UUID) -> None:
    await send_all(core, wanted=1)


async def _pay(core: Core, rail: SequenceRail, payout_id: UUID) -> None:
    """The rail pays what it has of the payout, and says so."""
    await _tell(core, rail, payout_id, ObservedStatus.PAID)


async def _fail(core: Core, rail: SequenceRail, payout_id: UUID) -> None:
    await _tell(core, rail, payout_id, ObservedStatus.FAILED)


async def _tell(core: Core, rail: SequenceRail, payout_id: UUID, status: ObservedStatus) -> None:
    book = rail.books[payout_id.hex].status
    for key in [key for key, known in book.items() if known is ObservedStatus.PENDING]:
        book[key] = status
    seen = [
        new_seen(
            ref=AttemptRef.parse(key) or AttemptRef(payout_id=payout_id, attempt_no=1),
            provider="one",
            source=ObservationSource.WEBHOOK,
            observation=Observation(status=known, rail_key=key),
            actor="provider:one",
        )
        for key, known in book.items()
        if known is status
    ]
    await apply_observations(core, seen)


async def _cancel(core: Core, rail: SequenceRail, payout_id: UUID) -> None:
    await cancel(core, payout_id, actor="ops")


async def _hold(core: Core, rail: SequenceRail, payout_id: UUID) -> None:
    await hold(core, payout_id, cause="looks odd", actor="ops")


async def _release(core: Core, rail: SequenceRail, payout_id: UUID) -> None:
    await release_hold(core, payout_id, actor="ops")


async def _retry(core: Core, rail: SequenceRail, payout_id: UUID) -> None:
    await retry(core, payout_id, actor="ops")


_DOERS: Sequence[Callable[[Core, SequenceRail, UUID], Awaitable[None]]] = (
    *(_send, _send, _pay, _fail, _cancel, _hold, _release, _release, _retry, _retry),
)
