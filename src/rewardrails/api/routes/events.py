"""The sealed log of events."""

from uuid import UUID

from litestar import Router, get
from litestar.params import FromQuery

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.inject import Injected
from rewardrails.api.pagination import DEFAULT_LIMIT, Cursor, Limit, after_number, cursor_at
from rewardrails.api.schemas.payouts import EventOut, EventPage
from rewardrails.engine import read
from rewardrails.engine.core import Core
from rewardrails.security.keys import Scope


@get("/", guards=[Requires(Scope.READ)])
async def list_events(
    request: ApiRequest,
    core: Injected[Core],
    subject_id: FromQuery[UUID | None] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> EventPage:
    """Events after the cursor, in order. An empty page gives the cursor back: ask again later for what is new.

    What people wrote (`words`) is whole with `reveal` or `resolve`.
    """
    after = after_number(cursor)
    events = await read.list_events(core, after=after, limit=limit, subject_id=subject_id)
    last = events[-1].position if events else after
    return EventPage(
        events=[EventOut.of(event, whole=request.user.sees_words) for event in events],
        next_cursor=cursor_at(last or after),
    )


router = Router("/v1/events", route_handlers=[list_events], tags=["Events"])
