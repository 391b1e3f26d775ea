"""A manual rail and its bank: the queue as a file, the statement back, and nothing paid twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID
from xml.etree import ElementTree as Xml

import pytest

from rewardrails import clock
from rewardrails.config import Config
from rewardrails.domain.payout import PayoutState
from rewardrails.domain.statement import FindingKind
from rewardrails.engine import bank_file, manual
from rewardrails.engine.core import Core
from rewardrails.engine.findings import list_findings, suggestions
from rewardrails.engine.reconcile import reconcile, reconcile_file
from rewardrails.errors import ErrorCode, FileInvalid, NotFound, ProofRequired, StateConflict
from rewardrails.providers.manual.pain001 import NAMESPACE
from rewardrails.providers.registry import build_provider
from tests.support import season
from tests.support.bank import OURS, Booked, camt053
from tests.support.season import reward

CONFIG = (
    season.CONFIG.replace(
        "[destination_kinds.manual_note]",
        '[destination_kinds.iban]\nparser = "iban"\nassets = ["EUR"]\n[destination_kinds.manual_note]',
    )
    + f"""
[[routes]]
destination_kind = "iban"
provider = "by-hand"
[providers.by-hand.reconcile]
margin_hours = 0.0
[providers.by-hand.settings.bank_file]
name = "Games Ltd"
iban = "{OURS}"
"""
)
PLAYER = "FR1420041010050500013M02606"
TODAY, TOMORROW = (f"{clock.now() + timedelta(days=days):%Y-%m-%d}" for days in (0, 1))


@asynccontextmanager
async def bank(dsn: str) -> AsyncIterator[Core]:
    config = Config.parse(CONFIG)
    rail = build_provider("by-hand", config.providers["by-hand"], config)
    async with season.opened_core(dsn, [rail], config=CONFIG) as core:
        yield core


async def queued(
    core: Core, *numbers: int, memo: str = "Zoë Müller", kind: str = "iban", value: str = PLAYER
) -> list[UUID]:
    made = await season.request(core, [reward(number, kind=kind, value=value, memo=memo) for number in numbers])
    await season.send_all(core, "by-hand")
    return [one.payout_id for one in made if one.payout_id]


def references(data: bytes) -> list[str]:
    return [found.text or "" for found in Xml.fromstring(data).iter(f"{{{NAMESPACE}}}EndToEndId")]


def statement(*booked: Booked) -> bytes:
    return camt053(*booked, days=(TODAY, TOMORROW))


def booked(reference: str, amount: str = "10.00") -> Booked:
    return Booked(reference=reference, amount=amount, day=TODAY)


async def found(core: Core) -> list[tuple[FindingKind, UUID | None]]:
    return sorted((one.kind, one.payout_id) for one in await list_findings(core))


async def test_what_the_bank_paid_of_the_file_matches_once_people_have_settled_it(database_dsn):
    async with bank(database_dsn) as core:
        payouts = await queued(core, 1, 2)
        file = await bank_file.export(core, "by-hand", actor="ann")
        for payout in payouts:
            await manual.settle(core, payout, proof="statement", actor="ann")

        run = await reconcile_file(core, "by-hand", statement(*map(booked, references(file.data))), actor="bob")

        assert (run.items, run.matched, run.found) == (2, 2, 0)
        assert sorted(references(file.data)) == sorted(f"{payout.hex}-1" for payout in payouts)


async def test_writing_a_file_pays_nothing_and_stands_in_the_history(database_dsn):
    async with bank(database_dsn) as core:
        payouts = await queued(core, 1, 2)

        file = await bank_file.export(core, "by-hand", actor="ann")

        assert set((await season.states(core)).values()) == {PayoutState.PENDING}
        assert (file.payouts, file.totals, file.left_out) == (2, {"EUR": 2000}, [])
        async with core.database.reading() as connection:
            told = await connection.fetch("SELECT type, actor FROM event WHERE data ->> 'file' = $1", str(file.id))
            assert [(row["type"], row["actor"]) for row in told] == [("payout.put_into_bank_file", "ann")] * 2
            assert (
                await connection.fetchval("SELECT type FROM event WHERE subject_id = $1", file.id)
                == "bank_file.written"
            )
            versions = "SELECT count(*) FROM payout JOIN event ON subject_id = id AND event.version = payout.version"
            assert await connection.fetchval(versions) == len(payouts)


@pytest.mark.promise("G1")
async def test_a_payout_goes_into_a_second_file_only_for_a_reason(database_dsn):
    async with bank(database_dsn) as core:
        first, second = await queued(core, 1, 2)
        file = await bank_file.export(core, "by-hand", actor="ann")

        again = await bank_file.export(core, "by-hand", actor="ann")
        assert (again.id, again.data) == (None, b"")
        assert {(one.code, one.file_id) for one in again.left_out} == {(ErrorCode.DUPLICATE_CONFLICT, file.id)}
        with pytest.raises(ProofRequired):
            await bank_file.export(core, "by-hand", actor="ann", again=[first], reason=" ")

        asked = await bank_file.export(core, "by-hand", actor="ann", again=[first], reason="the bank refused that file")
        assert references(asked.data) == [f"{first.hex}-1"]
        assert [one.payout_id for one in asked.left_out] == [second]
        async with core.database.reading() as connection:
            assert await connection.fetchval("SELECT reason FROM bank_file WHERE id = $1", asked.id)


@pytest.mark.promise("G1")
async def test_two_people_who_write_files_at_once_write_each_payout_once(database_dsn, trials):
    trials(5)
    async with bank(database_dsn) as core:
        for number in range(5):
            await queued(core, *range(number * 10, number * 10 + 5))
            files = await asyncio.gather(*(bank_file.export(core, "by-hand", actor=name) for name in ("ann", "bob")))
            written = [reference for file in files if file.data for reference in references(file.data)]
            assert len(written) == len(set(written)) == 5


async def test_what_no_bank_takes_is_left_out_and_says_why(database_dsn):
    async with bank(database_dsn) as core:
        (nameless,) = await queued(core, 1, memo="")
        (foreign,) = await queued(core, 2, memo="Иван")
        (note,) = await queued(core, 3, memo="", kind="manual_note", value="the red envelope")
        (fine,) = await queued(core, 4)

        file = await bank_file.export(core, "by-hand", actor="ann")

        assert references(file.data) == [f"{fine.hex}-1"]
        codes = {one.payout_id: one.code for one in file.left_out}
        assert codes == dict.fromkeys([nameless, foreign, note], ErrorCode.DESTINATION_INVALID)
        assert "Иван" not in repr(file)


@pytest.mark.promise("G5")
async def test_what_was_altered_in_the_database_is_in_no_file(database_dsn):
    async with bank(database_dsn) as core:
        (payout,) = await queued(core, 1)
        async with core.database.reading() as connection:
            await connection.execute(
                "UPDATE payout SET amount = 999999, reserved = 999999 + fee_ceiling WHERE id = $1", payout
            )

        file = await bank_file.export(core, "by-hand", actor="ann")

        assert (file.data, [one.code for one in file.left_out]) == (b"", [ErrorCode.CONTENT_ALTERED])


async def test_what_the_bank_says_and_people_forgot_is_found_and_not_corrected(database_dsn):
    async with bank(database_dsn) as core:
        forgotten, unpaid, wrong = await queued(core, 1, 2, 3)
        for payout in (unpaid, wrong):
            await manual.settle(core, payout, proof="I did it", actor="ann")
        states = await season.states(core)

        data = statement(booked(f"{forgotten.hex}-1"), booked(f"{wrong.hex}-1", "11.00"), booked("", "10.00"))
        run = await reconcile_file(core, "by-hand", data, actor="bob")

        assert (run.items, run.matched, run.opened) == (3, 0, 4)
        assert await found(core) == sorted(
            [
                (FindingKind.STATE_DIFFERS, forgotten),
                (FindingKind.MISSING_THERE, unpaid),
                (FindingKind.AMOUNT_DIFFERS, wrong),
                (FindingKind.NOT_OURS, None),
            ],
            key=lambda one: (one[0], one[1] or UUID(int=0)),
        )
        assert await season.states(core) == states


async def test_an_entry_without_our_name_matches_nothing_and_gets_hints(database_dsn):
    async with bank(database_dsn) as core:
        waiting, _ = *await queued(core, 1), None
        data = statement(booked("", "10.00"), booked("", "3.00"))

        await reconcile_file(core, "by-hand", data, actor="bob")

        hints = {one.theirs["amount_minor"]: list(await suggestions(core, one)) for one in await list_findings(core)}
        assert hints == {"1000": [waiting], "300": []}


@pytest.mark.promise("G1")
async def test_a_payment_that_the_bank_made_twice_is_found(database_dsn):
    async with bank(database_dsn) as core:
        (payout,) = await queued(core, 1)
        await manual.settle(core, payout, proof="statement", actor="ann")

        await reconcile_file(
            core, "by-hand", statement(booked(f"{payout.hex}-1"), booked(f"{payout.hex}-1")), actor="bob"
        )

        assert await found(core) == [(FindingKind.PAID_TWICE, payout)]


async def test_what_came_back_from_the_bank_is_found(database_dsn):
    async with bank(database_dsn) as core:
        (payout,) = await queued(core, 1)
        await manual.settle(core, payout, proof="statement", actor="ann")
        back = Booked(reference=f"{payout.hex}-1", amount="10.00", day=TODAY, direction="CRDT", returned=True)

        await reconcile_file(core, "by-hand", statement(booked(f"{payout.hex}-1"), back), actor="bob")

        kinds = {kind for kind, _ in await found(core)}
        assert kinds == {FindingKind.STATE_DIFFERS}


async def test_what_an_earlier_statement_showed_is_not_missing_in_the_next(database_dsn):
    async with bank(database_dsn) as core:
        (payout,) = await queued(core, 1)
        await manual.settle(core, payout, proof="statement", actor="ann")
        await reconcile_file(core, "by-hand", statement(booked(f"{payout.hex}-1")), actor="bob")

        run = await reconcile_file(core, "by-hand", statement(), actor="bob")

        assert (run.items, run.found) == (0, 0)


async def test_a_file_that_cannot_be_read_leaves_no_run(database_dsn):
    async with bank(database_dsn) as core:
        with pytest.raises(FileInvalid):
            await reconcile_file(core, "by-hand", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", actor="bob")
        with pytest.raises(StateConflict, match="--file"):
            await reconcile(core, "by-hand", actor="bob")
        with pytest.raises(NotFound):
            await bank_file.export(core, "nobody", actor="bob")

        async with core.database.reading() as connection:
            assert await connection.fetchval("SELECT count(*) FROM reconciliation") == 0
