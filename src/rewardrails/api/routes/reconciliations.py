"""Holding what providers and banks say they paid against ours, and what was found."""

import asyncio
from hashlib import sha256
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from rewardrails.api import fields
from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_once, answer_once_outside, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.pagination import DEFAULT_LIMIT, Cursor, Limit, after_id, cursor_at, page_of
from rewardrails.api.schemas.reconciliations import (
    ClosingIn,
    FindingOut,
    FindingPage,
    FindingWithHints,
    ReconciliationIn,
    ReconciliationOut,
    ReconciliationPage,
)
from rewardrails.domain.statement import FindingKind
from rewardrails.engine import findings, reconcile
from rewardrails.engine.core import Core
from rewardrails.engine.findings import FindingFilter
from rewardrails.security.keys import Scope
from rewardrails.store.database import Connection

MAX_STATEMENT_BYTES = reconcile.MAX_FILE_BYTES
ProviderName = Annotated[
    str, QueryParameter(min_length=1, max_length=200, pattern=r"^(?![\s\S]*[\u0000-\u001f\u007f-\u009f])")
]


@post("/v1/reconciliations", guards=[Requires(Scope.TREASURY)], status_code=202)
async def ask_for_reconciliation(
    request: ApiRequest, core: Injected[Core], data: JSONBody[ReconciliationIn], idempotency_key: IdempotencyKey
) -> Response[ReconciliationOut]:
    """Have a worker read a provider's own list and hold it against ours."""
    start = fields.moment(data.covers_from, "covers_from") if data.covers_from else None
    end = fields.moment(data.covers_to, "covers_to") if data.covers_to else None

    async def work(tx: Connection) -> tuple[int, ReconciliationOut]:
        asked = await reconcile.ask_within(core, tx, data.provider, actor=request.user.actor, start=start, end=end)
        return 202, ReconciliationOut.of(asked)

    return await answer_once(core, call_of(core, request.user, "reconciliations.ask", idempotency_key, data), work)


@post(
    "/v1/reconciliations/statements",
    guards=[Requires(Scope.TREASURY)],
    status_code=200,
    request_max_body_size=MAX_STATEMENT_BYTES,
)
async def reconcile_statement(
    request: ApiRequest, core: Injected[Core], *, provider: ProviderName, idempotency_key: IdempotencyKey
) -> Response[ReconciliationOut]:
    """Hold a bank's statement against a manual rail. The body is the file: camt.053, or CSV as configured; at most 64 MiB."""
    data = await request.body()

    async def work() -> tuple[int, ReconciliationOut]:
        run = await reconcile.reconcile_file(core, provider, data, actor=request.user.actor)
        return 200, ReconciliationOut.of(run)

    digest = await asyncio.to_thread(lambda: sha256(data).hexdigest())
    call = call_of(core, request.user, "reconciliations.statement", idempotency_key, provider, digest)
    return await answer_once_outside(core, call, work)


@get("/v1/reconciliations", guards=[Requires(Scope.READ)])
async def list_reconciliations(
    core: Injected[Core], provider: FromQuery[str | None] = None, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> ReconciliationPage:
    """Runs, newest first."""
    found = await reconcile.list_runs(core, provider=provider, before=after_id(cursor), limit=limit + 1)
    rows, more = page_of(found, limit)
    return ReconciliationPage(
        reconciliations=[ReconciliationOut.of(run) for run in rows],
        next_cursor=cursor_at(rows[-1].id) if more else None,
    )


@get("/v1/reconciliations/{run_id:uuid}", guards=[Requires(Scope.READ)])
async def show_reconciliation(core: Injected[Core], run_id: FromPath[UUID]) -> ReconciliationOut:
    """One run."""
    return ReconciliationOut.of(await reconcile.read_run(core, run_id))


@get("/v1/findings", guards=[Requires(Scope.READ)])
async def list_findings(
    core: Injected[Core],
    *,
    provider: FromQuery[str | None] = None,
    kind: FromQuery[FindingKind | None] = None,
    closed: FromQuery[bool | None] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> FindingPage:
    """What reconciliations found, newest first: what is open, what is closed, or both."""
    wanted = FindingFilter(provider=provider, kind=kind, is_open=None if closed is None else not closed)
    rows, more = page_of(await findings.list_findings(core, wanted, before=after_id(cursor), limit=limit + 1), limit)
    return FindingPage(
        findings=[FindingOut.of(finding) for finding in rows], next_cursor=cursor_at(rows[-1].id) if more else None
    )


@get("/v1/findings/{finding_id:uuid}", guards=[Requires(Scope.READ)])
async def show_finding(core: Injected[Core], finding_id: FromPath[UUID]) -> FindingWithHints:
    """One finding, and payouts of the same amount that it may be about."""
    finding = await findings.read_finding(core, finding_id)
    hints = await findings.suggestions(core, finding)
    return FindingWithHints(**msgspec.structs.asdict(FindingOut.of(finding)), suggestions=list(hints))


@post("/v1/findings/{finding_id:uuid}/close", guards=[Requires(Scope.TREASURY)], status_code=200)
async def close_finding(
    request: ApiRequest,
    core: Injected[Core],
    finding_id: FromPath[UUID],
    data: JSONBody[ClosingIn],
    idempotency_key: IdempotencyKey,
) -> Response[FindingOut]:
    """Say what it was, and what was done about it. No money is moved, and the same difference is not told again."""

    async def work(tx: Connection) -> tuple[int, FindingOut]:
        closed = await findings.close_within(tx, finding_id, reason=data.reason, actor=request.user.actor)
        return 200, FindingOut.of(closed)

    call = call_of(core, request.user, "findings.close", idempotency_key, finding_id, data)
    return await answer_once(core, call, work)


router = Router(
    "/",
    route_handlers=[
        ask_for_reconciliation,
        reconcile_statement,
        list_reconciliations,
        show_reconciliation,
        list_findings,
        show_finding,
        close_finding,
    ],
    tags=["Reconciliation"],
)
