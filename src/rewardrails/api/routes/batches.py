"""Batches: send a file, look at its verdicts, start it."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.response import Stream

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.csv_text import csv_line
from rewardrails.api.idempotency import IdempotencyKey, answer_once, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.own import maker_seen_by, refuse_others
from rewardrails.api.pagination import DEFAULT_LIMIT, Cursor, Limit, after_id, after_number, cursor_at, page_of
from rewardrails.api.schemas.batches import BatchDetail, BatchOut, BatchPage, RowOut, RowPage
from rewardrails.engine import batches, upload
from rewardrails.engine.core import Core
from rewardrails.engine.needs import needs
from rewardrails.errors import FieldInvalid
from rewardrails.intake.reader import FileFormat
from rewardrails.security.keys import Scope
from rewardrails.store.database import Connection

MAX_FILE_BYTES = 4 * 1024**3
CSV_PAGE = 1000
_FORMATS = {"text/csv": FileFormat.CSV, "application/x-ndjson": FileFormat.NDJSON}
BatchName = Annotated[
    str, QueryParameter(min_length=1, max_length=200, pattern=r"^(?![\s\S]*[\u0000-\u001f\u007f-\u009f])")
]


@post("/", guards=[Requires(Scope.BATCHES)], status_code=201, request_max_body_size=MAX_FILE_BYTES)
async def create_batch(
    request: ApiRequest, core: Injected[Core], name: BatchName, idempotency_key: IdempotencyKey
) -> Response[BatchDetail]:
    """Stage a file: a verdict for every row, no money moved.

    The body is the file itself, sent as `text/csv` or `application/x-ndjson`. The same bytes again answer the batch that
    holds them, with 200. An upload that broke off goes on when it is repeated under the same key.
    """
    file_format = _FORMATS.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
    if file_format is None:
        raise FieldInvalid(f"send the file as one of {', '.join(_FORMATS)}", field="Content-Type")
    call = call_of(core, request.user, "batches.create", idempotency_key, name, file_format.value)
    received = await upload.upload(core, call, name=name, file_format=file_format, data=request.stream())
    status = 201 if received.is_new else 200
    return Response(await _detail(core, received.batch.id), status_code=status)


@get("/", guards=[Requires(Scope.READ_OWN)])
async def list_batches(
    request: ApiRequest, core: Injected[Core], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> BatchPage:
    """Batches, newest first; with `read_own` alone, those of one's own making."""
    found = await batches.list_batches(
        core, before=after_id(cursor), limit=limit + 1, created_by=maker_seen_by(request.user)
    )
    rows, more = page_of(found, limit)
    return BatchPage(
        batches=[BatchOut.of(batch) for batch in rows], next_cursor=cursor_at(rows[-1].id) if more else None
    )


@get("/{batch_id:uuid}", guards=[Requires(Scope.READ_OWN)])
async def read_batch(request: ApiRequest, core: Injected[Core], batch_id: FromPath[UUID]) -> BatchDetail:
    """One batch: its verdicts, its payouts by state, and what it still needs of its pools."""
    await _seen(request, core, batch_id)
    return await _detail(core, batch_id)


@get(
    "/{batch_id:uuid}/rows",
    guards=[Requires(Scope.READ_OWN)],
    responses={200: ResponseSpec(RowPage, description="A page as JSON, or the whole report as text/csv.")},
)
async def list_rows(  # noqa: PLR0917 - the framework passes them by name
    request: ApiRequest,
    core: Injected[Core],
    batch_id: FromPath[UUID],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    accept: Annotated[str, HeaderParameter(name="Accept", max_length=1000)] = "application/json",
) -> Response[RowPage] | Stream:
    """The report row by row, in the order of the file; with `Accept: text/csv` all that is after the cursor.

    In CSV a cell that a spreadsheet would run as a formula has an apostrophe in front.
    """
    await _seen(request, core, batch_id)
    after = after_number(cursor)
    if _preferred(accept) == "text/csv":
        return Stream(_csv(core, batch_id, after), media_type="text/csv; charset=utf-8")
    rows, more = page_of(await batches.report(core, batch_id, after_row=after, limit=limit + 1), limit)
    return Response(
        RowPage(rows=[RowOut.of(core, row) for row in rows], next_cursor=cursor_at(rows[-1].row_no) if more else None)
    )


@post("/{batch_id:uuid}/start", guards=[Requires(Scope.BATCHES)], status_code=202)
async def start_batch(
    request: ApiRequest, core: Injected[Core], batch_id: FromPath[UUID], idempotency_key: IdempotencyKey
) -> Response[BatchOut]:
    """Let the accepted rows become payouts; workers do it. Starting again takes up rows the pool could not bear."""
    await _seen(request, core, batch_id)

    async def work(tx: Connection) -> tuple[int, BatchOut]:
        return 202, BatchOut.of(await batches.start_within(tx, batch_id, actor=request.user.actor))

    return await answer_once(core, call_of(core, request.user, "batches.start", idempotency_key, batch_id), work)


async def _seen(request: ApiRequest, core: Core, batch_id: UUID) -> None:
    """Raise `NotFound` unless it is there for this caller."""
    found = await batches.read_batch(core, batch_id)
    refuse_others(request.user, "batch", batch_id, found.created_by)


async def _detail(core: Core, batch_id: UUID) -> BatchDetail:
    batch = await batches.read_batch(core, batch_id)
    return BatchDetail.of_totals(core, batch, await batches.totals(core, batch_id), await needs(core, batch_id))


def _preferred(accept: str) -> Literal["text/csv", "application/json"]:
    for part in accept.split(","):
        media_type = part.partition(";")[0].strip().lower()
        if media_type == "text/csv":
            return "text/csv"
        if media_type in ("application/json", "*/*", "application/*"):
            break
    return "application/json"


async def _csv(core: Core, batch_id: UUID, after: int) -> AsyncIterator[str]:
    """Pages of the report as CSV text, so that no report is ever held whole."""
    yield csv_line(RowOut.__struct_fields__)
    while rows := await batches.report(core, batch_id, after_row=after, limit=CSV_PAGE):
        shown = [RowOut.of(core, row) for row in rows]
        yield "".join(csv_line(getattr(row, name) for name in RowOut.__struct_fields__) for row in shown)
        after = rows[-1].row_no


router = Router(
    "/v1/batches", route_handlers=[create_batch, list_batches, read_batch, list_rows, start_batch], tags=["Batches"]
)
