"""Holding what a provider or a bank says it paid against what we paid; a difference becomes a finding, never a correction.

A run gathers the whole list first, page by page and outside any transaction, then compares it in one. A list that ends in the
middle is compared with nothing: its missing half would look like payouts that are missing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import asyncpg
import structlog

from rewardrails import clock, ids
from rewardrails.domain.assets import MAX_MINOR
from rewardrails.domain.money import Money
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.statement import StatementItem, Statements, Window
from rewardrails.engine.core import Core
from rewardrails.engine.reconcile_compare import compare, match
from rewardrails.errors import ErrorCode, FieldInvalid, NotFound, RewardRailsError, StateConflict
from rewardrails.providers.base import (
    NamesOnStatement,
    Reference,
    RewardPayoutProvider,
    SupportsStatement,
    SupportsStatementFile,
)
from rewardrails.store.database import Connection, assert_no_transaction
from rewardrails.store.facts import tell
from rewardrails.store.sql import sql

MAX_ITEMS = 500_000
STORE_BATCH = 1_000
NAME_BATCH = 25  # some rails must ask for each: together they take less than a run may be silent
MAX_FILE_BYTES = 64 * 1024 * 1024
NOBODY = UUID(int=0)
FIRST_YEAR = 1970
SILENT_SECONDS = 900.0
WAITING_SECONDS = 3600.0
MAX_TEXT = 500
LIST_MARGIN = timedelta(hours=6)
FILE_MARGIN = timedelta(days=3)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One reconciliation: what was read, and what came of it. `code` says why it failed."""

    id: UUID
    provider: str
    source: Statements
    covers: Window
    state: str
    code: ErrorCode | None
    items: int
    matched: int
    found: int
    opened: int
    closed: int
    started_by: str
    created_at: datetime
    ended_at: datetime | None


async def reconcile(
    core: Core, provider: str, *, actor: str, start: datetime | None = None, end: datetime | None = None
) -> Run:
    """Read a provider's own list and compare it, here and now. Raises `NotFound`, `StateConflict`, `FieldInvalid`, and what
    reading the list raises; the run is then told as failed."""
    rail = _listing(core, provider)
    covers = window_of(core, provider, start=start, end=end)
    row = await _begin(core, provider, Statements.LIST, covers, actor=actor)
    return await gather_and_compare(core, rail, row)


async def ask_for(
    core: Core, provider: str, *, actor: str, start: datetime | None = None, end: datetime | None = None
) -> Run:
    """Have a worker do it; answers the run as it waits. Raises as `reconcile` does before the list is read."""
    return await core.database.run_once(lambda tx: ask_within(core, tx, provider, actor=actor, start=start, end=end))


async def ask_within(
    core: Core,
    tx: Connection,
    provider: str,
    *,
    actor: str,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Run:
    """`ask_for` inside the caller's transaction."""
    _listing(core, provider)
    covers = window_of(core, provider, start=start, end=end)
    return run_of(await _begin_within(tx, provider, Statements.LIST, covers, state="waiting", actor=actor))


async def reconcile_file(core: Core, provider: str, data: bytes, *, actor: str) -> Run:
    """Compare a statement that a person brings. Raises `NotFound`, `StateConflict`, `FileInvalid`."""
    rail = _known(core, provider)
    if not isinstance(rail, SupportsStatementFile):
        raise StateConflict(f"provider {provider!r} reads no statement files; it lists payments itself: give no file")
    if len(data) > MAX_FILE_BYTES:
        raise RewardRailsError(
            f"the statement is longer than {MAX_FILE_BYTES} bytes: split it by day", code=ErrorCode.FILE_INVALID
        )
    told = await asyncio.to_thread(rail.read_statement, data)
    row = await _begin(core, provider, Statements.FILE, told.covers, actor=actor, digest=sha256(data).digest())
    try:
        await _store(core, row["id"], told.items)
        return run_of(await compare(core, row["id"], margin=margin_of(core, provider, Statements.FILE), actor=actor))
    except Exception as error:
        await _fail(core, row, error)
        raise


async def gather_and_compare(core: Core, rail: SupportsStatement, row: asyncpg.Record) -> Run:
    """Bring a run that has begun to its end; raises what kept it from that, once it is told as failed."""
    margin = margin_of(core, row["provider"], Statements.LIST)
    try:
        await _gather(core, rail, row, margin)
        return run_of(await compare(core, row["id"], margin=margin, actor=row["started_by"]))
    except Exception as error:
        await _fail(core, row, error)
        raise


def window_of(core: Core, provider: str, *, start: datetime | None, end: datetime | None) -> Window:
    """What a run covers: until now and as far back as configured, unless somebody says otherwise. Raises `FieldInvalid`."""
    until = min(end or clock.now(), clock.now())
    since = start or until - core.config.providers[provider].reconcile.look_back
    if since.year < FIRST_YEAR:
        raise FieldInvalid(f"nothing was paid before {FIRST_YEAR}", field="covers_from")
    if since >= until:
        raise FieldInvalid(
            "the time to reconcile ends before it begins: it must begin before its end and before now",
            field="covers_from",
        )
    return Window(start=since, end=until)


def margin_of(core: Core, provider: str, source: Statements) -> timedelta:
    """How long a payment may take to show up."""
    configured = core.config.providers[provider].reconcile.margin
    if configured is not None:
        return configured
    return FILE_MARGIN if source is Statements.FILE else LIST_MARGIN


def run_of(row: asyncpg.Record) -> Run:
    """A run as it is stored."""
    return Run(
        id=row["id"],
        provider=row["provider"],
        source=Statements(row["source"]),
        covers=Window(start=row["covers_from"], end=row["covers_to"]),
        state=row["state"],
        code=ErrorCode(row["code"]) if row["code"] else None,
        items=row["items"],
        matched=row["matched"],
        found=row["found"],
        opened=row["opened"],
        closed=row["closed"],
        started_by=row["started_by"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )


def _known(core: Core, provider: str) -> RewardPayoutProvider:
    rail = core.providers.get(provider)
    if rail is None:
        raise NotFound(f"there is no provider called {provider!r}; there are: {', '.join(sorted(core.providers))}")
    return rail


def _listing(core: Core, provider: str) -> SupportsStatement:
    rail = _known(core, provider)
    if isinstance(rail, SupportsStatement):
        return rail
    if isinstance(rail, SupportsStatementFile):
        raise StateConflict(f"provider {provider!r} cannot be asked: bring its statement as a file (--file)")
    raise StateConflict(f"provider {provider!r} tells nobody what it paid: its adapter reads neither list nor file")


async def bury_the_dead(tx: Connection, actor: str) -> None:
    """Give up runs whose process is gone, and those that no worker has taken up."""
    code = ErrorCode.STATE_CONFLICT.value
    for row in await tx.fetch(sql("dead_reconciliations"), SILENT_SECONDS, WAITING_SECONDS, code):
        log.warning("reconciliation_given_up", run=str(row["id"]))
        await tell(tx, row["id"], "reconciliation.failed", actor, code=code)


async def _begin(
    core: Core, provider: str, source: Statements, covers: Window, *, actor: str, digest: bytes | None = None
) -> asyncpg.Record:
    return await core.database.run_once(
        lambda tx: _begin_within(tx, provider, source, covers, state="running", actor=actor, digest=digest)
    )


async def _begin_within(
    tx: Connection,
    provider: str,
    source: Statements,
    covers: Window,
    *,
    state: str,
    actor: str,
    digest: bytes | None = None,
) -> asyncpg.Record:
    await bury_the_dead(tx, actor)
    span = covers.start, covers.end
    row = await tx.fetchrow(
        sql("insert_reconciliation"), ids.new_id(), provider, source.value, digest, *span, state, actor
    )
    if row is None:
        raise StateConflict(f"provider {provider!r} is being reconciled already: wait for that run to end")
    data = {"provider": provider, "from": covers.start.isoformat(), "to": covers.end.isoformat()}
    await tell(tx, row["id"], "reconciliation.begun", actor, **data, file_sha256=digest.hex() if digest else None)
    return row


async def _gather(core: Core, rail: SupportsStatement, row: asyncpg.Record, margin: timedelta) -> None:
    """The provider's whole list, with what is around the edges: it may be told there a little earlier or later."""
    asked = Window(start=row["covers_from"] - margin, end=row["covers_to"] + margin)
    assert_no_transaction()
    async for page in rail.statement(asked):
        await _store(core, row["id"], page)
    if isinstance(rail, NamesOnStatement):
        await core.database.run(lambda tx: match(tx, row["id"], row["provider"]))
        await _name(core, rail, row, asked)


async def _store(core: Core, run_id: UUID, items: Sequence[StatementItem]) -> None:
    async with core.database.reading() as connection:
        for first in range(0, len(items), STORE_BATCH):
            part = items[first : first + STORE_BATCH]
            await connection.execute(sql("store_statement_items"), run_id, *_columns(part))
            stored = await connection.fetchval(sql("note_reconciliation_lives"), run_id, len(part))
            if stored is None:
                raise StateConflict(f"reconciliation {run_id} was given up meanwhile: begin another")
            if stored > MAX_ITEMS:
                raise FieldInvalid(
                    f"the provider lists more than {MAX_ITEMS} payments: name a shorter time with --from and --to",
                    field="covers_from",
                )


def _columns(items: Sequence[StatementItem]) -> tuple[list[object], ...]:
    ours = [AttemptRef.parse(item.reference.strip().lower()) for item in items]
    amounts = [item.amount if item.amount and item.amount.amount_minor <= MAX_MINOR else None for item in items]
    fees = [item.fee if item.fee and item.amount and item.fee.asset == item.amount.asset else None for item in items]
    return (
        [_text(item.item_id) for item in items],
        [_text(item.provider_reference or item.item_id) for item in items],
        [_text(item.reference) for item in items],
        [ref.payout_id if ref else None for ref in ours],
        [ref.attempt_no if ref else None for ref in ours],
        [amount.amount_minor if amount else None for amount in amounts],
        [amount.asset if amount else None for amount in amounts],
        [_text(item.told) for item in items],
        [fee.amount_minor if fee and fee.amount_minor <= MAX_MINOR else None for fee in fees],
        [item.status.value for item in items],
        [_text(item.provider_status) for item in items],
        [item.at for item in items],
    )


def _text(told: str) -> str:
    """What a stranger has written, as the database takes it: one odd entry must not end the whole run."""
    return told.replace("\0", "")[:MAX_TEXT]


async def _name(core: Core, rail: NamesOnStatement, row: asyncpg.Record, asked: Window) -> None:
    """Say of each item whose it is, where the list calls attempts by names that the rail knows and we do not."""
    async with core.database.reading() as connection:
        found = await connection.fetch(sql("attempts_to_name"), row["provider"], asked.start, asked.end, row["id"])
    references = [_reference(each) for each in found]
    for first in range(0, len(references), NAME_BATCH):
        part = references[first : first + NAME_BATCH]
        assert_no_transaction()
        names = await rail.statement_names(part)
        keys = [reference.ref.payout_id for reference in part], [reference.ref.attempt_no for reference in part]
        async with core.database.reading() as connection:
            await connection.execute(sql("name_statement_items"), row["id"], list(names), *keys)
            await connection.fetchval(sql("note_reconciliation_lives"), row["id"], 0)


def _reference(row: asyncpg.Record) -> Reference:
    return Reference(
        ref=AttemptRef(payout_id=row["payout_id"], attempt_no=row["attempt_no"]),
        provider_reference=row["provider_reference"] or "",
        amount=Money(amount_minor=int(row["amount"]), asset=row["asset"]),
    )


async def _fail(core: Core, row: asyncpg.Record, error: Exception) -> None:
    code = error.code if isinstance(error, RewardRailsError) else ErrorCode.PROVIDER_UNAVAILABLE
    log.warning("reconciliation_failed", provider=row["provider"], run=str(row["id"]), code=code.value)

    async def work(tx: Connection) -> None:
        if await tx.fetchval(sql("fail_reconciliation"), row["id"], code.value) is not None:
            await tx.execute(sql("forget_statement_items"), row["id"])
            await tell(tx, row["id"], "reconciliation.failed", row["started_by"], code=code.value)

    await core.database.run_once(work)


async def read_run(core: Core, run_id: UUID) -> Run:
    """One run. Raises `NotFound`."""
    async with core.database.reading() as connection:
        row = await connection.fetchrow(sql("read_reconciliation"), run_id)
    if row is None:
        raise NotFound(f"there is no reconciliation {run_id}")
    return run_of(row)


async def list_runs(
    core: Core, *, provider: str | None = None, before: UUID | None = None, limit: int = 50
) -> Sequence[Run]:
    """Runs, newest first."""
    async with core.database.reading() as connection:
        return [run_of(row) for row in await connection.fetch(sql("list_reconciliations"), before, limit, provider)]
