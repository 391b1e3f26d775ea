"""Why payouts stand where they stand, and whose turn it is."""

from uuid import UUID

from litestar import Router, get
from litestar.params import FromPath, FromQuery

from rewardrails.api.auth import ApiRequest, Requires
from rewardrails.api.inject import Injected
from rewardrails.api.pagination import DEFAULT_LIMIT, Cursor, Limit, after_hold, cursor_at_hold, page_of
from rewardrails.api.schemas.holds import ExplanationOut, HoldPage, OpenHoldOut
from rewardrails.domain.policy.verdict import Owner
from rewardrails.engine import explain, holds_list
from rewardrails.engine.core import Core
from rewardrails.security.keys import Scope


@get("/v1/holds", guards=[Requires(Scope.READ)])
async def list_holds(  # noqa: PLR0917 - the framework passes them by name
    request: ApiRequest,
    core: Injected[Core],
    owner: FromQuery[Owner | None] = None,
    overdue: FromQuery[bool | None] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> HoldPage:
    """Open holds, oldest first: of one owner, or all; the overdue ones, those that are not, or both.

    The causes that people gave are whole with `reveal` or `resolve`.
    """
    found = await holds_list.open_holds(core, owner=owner, overdue=overdue, after=after_hold(cursor), limit=limit + 1)
    rows, more = page_of(found, limit)
    return HoldPage(
        holds=[OpenHoldOut.of(core, hold, whole=request.user.sees_words) for hold in rows],
        next_cursor=cursor_at_hold(rows[-1]) if more else None,
    )


@get("/v1/payouts/{payout_id:uuid}/explain", guards=[Requires(Scope.READ)])
async def explain_payout(request: ApiRequest, core: Injected[Core], payout_id: FromPath[UUID]) -> ExplanationOut:
    """What every gate says of a payout now, what has stopped it, and what its player may be told. Changes nothing.

    The causes and reasons that people gave are whole with `reveal` or `resolve`.
    """
    found = await explain.explain(core, payout_id)
    return ExplanationOut.of(found if request.user.sees_words else found.without_words())


router = Router("/", route_handlers=[list_holds, explain_payout], tags=["Holds"])
