"""Lists of destinations that may not, or only may, be paid."""

import asyncio
from datetime import datetime
from typing import Annotated

from litestar import Response, Router, get, post
from litestar.params import QueryParameter

from rewardrails.api import fields
from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.idempotency import IdempotencyKey, answer_once, call_of
from rewardrails.api.inject import Injected
from rewardrails.api.schemas.address_lists import AddressListOut, AddressLists
from rewardrails.domain.policy.case import ListKind
from rewardrails.engine import addresses
from rewardrails.engine.addresses import NewList
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid
from rewardrails.intake.address_lists import ListFile, read_list
from rewardrails.security.keys import Scope
from rewardrails.store.database import Connection

PATH = "/v1/address-lists"
MAX_LIST_BYTES = 64 * 1024**2
ListName = Annotated[
    str, QueryParameter(min_length=1, max_length=200, pattern=r"^(?![\s\S]*[\u0000-\u001f\u007f-\u009f])")
]
Dated = Annotated[
    datetime | None, QueryParameter(description="When the source made the list; needed unless the file says it itself.")
]


@post("/", guards=[Requires(Scope.COMPLY)], status_code=201, request_max_body_size=MAX_LIST_BYTES)
async def load_address_list(
    request: ApiRequest,
    core: Injected[Core],
    *,
    name: ListName,
    kind: Annotated[ListKind, QueryParameter()],
    source: ListName,
    idempotency_key: IdempotencyKey,
    dated: Dated = None,
) -> Response[AddressListOut]:
    """Put a list in force in place of the one of the same name, which may not be newer.

    The body is the file itself, of at most 64 MiB: one destination a line, or the XML in which OFAC publishes its lists.
    """
    given = fields.moment(dated, "dated") if dated else None
    data = await request.body()
    with fields.called("body", "file"):
        file = await asyncio.to_thread(read_list, data)
    new = NewList(
        name=name, kind=kind, source=source, dated=_date(file, given), sha256=file.sha256, entries=file.entries
    )

    async def work(tx: Connection) -> tuple[int, AddressListOut]:
        return 201, AddressListOut.of(await addresses.load_list_within(core, tx, new, actor=request.user.actor))

    call = call_of(
        core, request.user, "address_lists.load", idempotency_key, name, kind, source, new.dated, file.sha256.hex()
    )
    return await answer_once(core, call, work)


@get("/", guards=[Requires(Scope.READ)])
async def list_address_lists(core: Injected[Core]) -> AddressLists:
    """The lists in force; never what is on them."""
    return AddressLists(address_lists=[AddressListOut.of(one) for one in await addresses.lists(core)])


def _date(file: ListFile, given: datetime | None) -> datetime:
    when = file.dated or given
    if when is None:
        raise FieldInvalid("dated: the file does not say its date: give it", field="dated")
    return when


router = Router(PATH, route_handlers=[load_address_list, list_address_lists], tags=["Address lists"])
