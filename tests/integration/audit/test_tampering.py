"""Whoever owns the database changes the log of a thousand events in every way; each is found, and nothing else is."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest
import pytest_asyncio

from rewardrails.events.walk import Fault, Tampering
from rewardrails.store.database import Database
from tests.integration.audit.log import EVENTS, Intruder, audit_in, filled, the_fault, verified
from tests.support.database import Server

pytestmark = [pytest.mark.promise("G5"), pytest.mark.asyncio(loop_scope="module")]
STRANGER = UUID("99999999-0000-7000-8000-000000000000")
FLIPS = {
    "n": "n = n + 1000000",
    "subject_id": "subject_id = gen_random_uuid()",
    "version": "version = version + 1000",
    "type": "type = type || '.'",
    "data": "data = data || '{\"a\": 1}'",
    "actor": "actor = 'nobody'",
    "created_at": "created_at = created_at + interval '1 microsecond'",
    "created_at, out of every bound": "created_at = 'infinity'",
    "transaction_id": "transaction_id = (transaction_id::text::bigint + 1)::text::xid8",
    "origin": "origin = 'elsewhere'",
    "outcome": "outcome = 'refused'",
    "code": "code = 'forbidden'",
    "before_digest": "before_digest = '\\x00'",
    "after_digest": "after_digest = sha256(COALESCE(after_digest, ''))",
    "position": "position = 1000000 + position",
    "chain_hash": "chain_hash = set_byte(chain_hash, 0, get_byte(chain_hash, 0) # 1)",
    "position and chain_hash": "position = NULL, chain_hash = NULL",
}
EACH = 20


class Scene:
    def __init__(self, database: Database, audit, intruder: Intruder) -> None:
        self.database, self.audit, self.intruder = database, audit, intruder

    async def found(self, do: Callable[[], Awaitable[object]]) -> Fault:
        """The fault that a verification finds after `do`, which is undone again."""
        try:
            await do()
            return await the_fault(self.database, self.audit)
        finally:
            await self.intruder.restore()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("checkpoints")
    with postgres_server.fresh_database() as dsn:
        async with filled(dsn, folder) as (core, _), Intruder.at(dsn) as intruder:
            yield Scene(core.database, audit_in(folder), intruder)


def places(scene: Scene, seed: str, count: int = EACH) -> list[int]:
    """The ends, and places drawn from between."""
    drawn = random.Random(seed).sample(range(2, scene.intruder.length), count - 2)
    return [1, scene.intruder.length, *drawn]


async def test_an_untouched_log_is_whole_and_signed_to_its_end(scene: Scene) -> None:
    report = await verified(scene.database, scene.audit)

    assert report.fault is None
    assert report.events == report.signed_to == scene.intruder.length >= EVENTS
    assert report.checkpoints >= 10
    assert report.payouts >= EVENTS // 3


@pytest.mark.parametrize("column", FLIPS)
async def test_a_flip_of_any_column_is_found_where_it_is(scene: Scene, column: str, trials) -> None:
    for place in places(scene, column):
        fault = await scene.found(
            lambda place=place: scene.intruder.run(f"UPDATE event SET {FLIPS[column]} WHERE position = $1", place)
        )

        assert fault.position == place, (column, place)
        wanted = {Tampering.FLIPPED}
        if column.startswith("position"):
            wanted = {Tampering.MISSING, Tampering.TRUNCATED}
            if place == scene.intruder.length and column == "position":
                wanted = {Tampering.MISSING}
        assert fault.kind in wanted
    trials(EACH)


async def test_every_column_of_the_table_is_flipped_here(scene: Scene) -> None:
    rows = await scene.intruder.connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'event'"
    )

    assert {row["column_name"] for row in rows} <= FLIPS.keys()


async def test_a_deleted_event_is_missing(scene: Scene, trials) -> None:
    for place in places(scene, "delete"):
        fault = await scene.found(
            lambda place=place: scene.intruder.run("DELETE FROM event WHERE position = $1", place)
        )

        last = place == scene.intruder.length
        assert fault is not None
        assert (fault.kind, fault.position) == (Tampering.TRUNCATED if last else Tampering.MISSING, place)
    trials(EACH)


async def test_a_deleted_event_whose_gap_was_closed_is_missing(scene: Scene, trials) -> None:
    for place in places(scene, "closed")[2:]:

        async def close(place: int = place) -> None:
            await scene.intruder.run("DELETE FROM event WHERE position = $1", place)
            await scene.intruder.move_up(place, -1)

        fault = await scene.found(close)

        assert (fault.kind, fault.position) == (Tampering.MISSING, place)
    trials(EACH - 2)


async def test_an_inserted_event_is_found(scene: Scene, trials) -> None:
    for place in places(scene, "insert")[2:]:

        async def insert(place: int = place) -> None:
            await scene.intruder.move_up(place - 1, 1)
            await scene.intruder.insert_at(place, STRANGER)

        fault = await scene.found(insert)

        assert (fault.kind, fault.position) == (Tampering.INSERTED, place)
    trials(EACH - 2)


async def test_an_event_put_behind_the_end_is_found(scene: Scene) -> None:
    end = scene.intruder.length + 1
    fault = await scene.found(lambda: scene.intruder.insert_at(end, STRANGER))

    assert (fault.kind, fault.position) == (Tampering.INSERTED, end)


@pytest.mark.parametrize("place", [0, -7])
async def test_an_event_put_before_the_beginning_is_found(scene: Scene, place: int) -> None:
    statement = (
        "INSERT INTO event (subject_id, version, type, data, actor, position, chain_hash)"
        " VALUES ($1, 1, 'payout.paid', '{}', 'nobody', $2, '')"
    )
    fault = await scene.found(lambda: scene.intruder.run(statement, STRANGER, place))

    assert (fault.kind, fault.position) == (Tampering.INSERTED, place)


@pytest.mark.parametrize("takes_the_hash_along", [True, False])
async def test_two_events_that_changed_places_are_found(scene: Scene, takes_the_hash_along: bool, trials) -> None:
    drawn = places(scene, f"swap {takes_the_hash_along}")
    pairs = [tuple(sorted(pair)) for pair in zip(drawn[::2], drawn[1::2], strict=True)]
    for first, second in pairs:

        async def swap(first: int = first, second: int = second) -> None:
            hashes = {place: (await scene.intruder.copy_of(place))["chain_hash"] for place in (first, second)}
            await scene.intruder.run("UPDATE event SET position = -1 WHERE position = $1", first)
            await scene.intruder.run("UPDATE event SET position = $1 WHERE position = $2", first, second)
            await scene.intruder.run("UPDATE event SET position = $1 WHERE position = -1", second)
            if not takes_the_hash_along:
                for place, known in hashes.items():
                    await scene.intruder.run("UPDATE event SET chain_hash = $2 WHERE position = $1", place, known)

        fault = await scene.found(swap)

        assert (fault.kind, fault.position) == (Tampering.FLIPPED, first)
    trials(len(pairs))


@pytest.mark.parametrize("tells_the_head", [True, False])
async def test_a_tail_cut_off_is_found(scene: Scene, tells_the_head: bool, trials) -> None:
    lengths = [0, scene.intruder.length - 1, *places(scene, f"cut {tells_the_head}")[2:]]
    for left in lengths:

        async def cut(left: int = left) -> None:
            await scene.intruder.run("DELETE FROM event WHERE position > $1", left)
            if tells_the_head:
                await scene.intruder.run(
                    "UPDATE event_seal SET position = $1, chain_hash = COALESCE("
                    "(SELECT chain_hash FROM event WHERE position = $1), decode(repeat('00', 32), 'hex'))",
                    left,
                )

        fault = await scene.found(cut)

        assert (fault.kind, fault.position) == (Tampering.TRUNCATED, left + 1)
    trials(len(lengths))


@pytest.mark.parametrize("way", ["flip", "delete", "insert", "swap"])
async def test_a_log_rewritten_with_right_hashes_from_some_point_on_is_found(scene: Scene, way: str, trials) -> None:
    """The chain fits and the head says so; only what was signed elsewhere tells."""
    for place in places(scene, f"rewrite {way}", 12)[2:]:

        async def rewrite(place: int = place) -> None:
            match way:
                case "flip":
                    await scene.intruder.run("UPDATE event SET actor = 'nobody' WHERE position = $1", place)
                case "delete":
                    await scene.intruder.run("DELETE FROM event WHERE position = $1", place)
                    await scene.intruder.move_up(place, -1)
                case "insert":
                    await scene.intruder.move_up(place - 1, 1)
                    await scene.intruder.insert_at(place, STRANGER)
                case "swap":
                    await scene.intruder.run("UPDATE event SET position = -1 WHERE position = $1", place)
                    await scene.intruder.run("UPDATE event SET position = $1 WHERE position = $1 - 1", place)
                    await scene.intruder.run("UPDATE event SET position = $1 - 1 WHERE position = -1", place)
            await scene.intruder.rechain(place - 1 if way == "swap" else place)

        fault = await scene.found(rewrite)

        assert fault.kind is Tampering.REWRITTEN, place
        assert fault.position <= place
        assert place - fault.position <= 101
    trials(10)


async def test_a_rewritten_log_whose_head_was_forgotten_is_found_without_any_checkpoint(scene: Scene) -> None:
    async def rewrite() -> None:
        await scene.intruder.run("UPDATE event SET actor = 'nobody' WHERE position = 500")
        await scene.intruder.rechain(500, to_the_head=False)

    scene.audit, signed = (
        type(scene.audit)(store=NoCheckpoints(), key=scene.audit.key, believed=scene.audit.believed),
        scene.audit,
    )
    try:
        fault = await scene.found(rewrite)
    finally:
        scene.audit = signed

    assert fault.kind is Tampering.REWRITTEN


async def test_a_changed_payout_is_not_what_its_last_event_says(scene: Scene) -> None:
    columns = "id, amount, state, destination_digest"
    payout = await scene.intruder.connection.fetchrow(f"SELECT {columns} FROM payout ORDER BY id LIMIT 1 OFFSET 200")
    kept = (payout["amount"], payout["state"], payout["destination_digest"])
    await scene.intruder.connection.execute("ALTER TABLE payout DROP CONSTRAINT payout_reserves_until_it_ends")
    for change in ("amount = amount + 1", "state = 'paid'", "destination_digest = sha256(destination_digest)"):
        await scene.intruder.run(f"UPDATE payout SET {change} WHERE id = $1", payout["id"])

        fault = await the_fault(scene.database, scene.audit)

        await scene.intruder.run(
            "UPDATE payout SET amount = $2, state = $3, destination_digest = $4 WHERE id = $1", payout["id"], *kept
        )
        assert fault.kind is Tampering.PAYOUT, change
        assert str(payout["id"]) in fault.words


class NoCheckpoints:
    async def last(self):
        return None

    async def append(self, checkpoint) -> None:
        raise AssertionError(checkpoint)

    async def read(self):
        return
        yield


@pytest.mark.promise("G5")
@pytest.mark.parametrize("position", [2**62 + 7, 2**63 - 1])
async def test_an_event_put_far_behind_the_end_is_found(database_dsn, tmp_path, position):
    async with filled(database_dsn, tmp_path, 60) as (core, audit), Intruder.at(database_dsn) as intruder:
        await intruder.run(
            "INSERT INTO event (subject_id, version, type, data, actor, position, chain_hash) "
            f"SELECT id, 99, 'payout.paid', '{{}}', 'nobody', {position}, '\\x00' FROM payout LIMIT 1"
        )

        assert (await the_fault(core.database, audit)).kind in {Tampering.INSERTED, Tampering.MISSING}
