"""Signing in through an issuer: away with a sealed note in the browser, and back with a code."""

from typing import Annotated

from litestar import MediaType, Response, Router, get
from litestar.datastructures import Cookie
from litestar.params import FromPath, QueryParameter

from rewardrails.api.auth import ApiRequest, OpenDoor, address_of
from rewardrails.api.doors import Doors
from rewardrails.api.inject import Injected
from rewardrails.api.routes.sessions import cookie_of
from rewardrails.security.oidc import WAIT_SECONDS

NOTE = "__Host-rr_oidc"
Said = Annotated[str, QueryParameter(max_length=4096)]
# The session's cookie is not sent along on a way that another site began, so the page goes on by itself.
_IN = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content='0;url=/'>"
    "<title>RewardRails</title><p>You are signed in: <a href='/'>go on</a>"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@get("/{provider:str}", guards=[OpenDoor()], status_code=303)
async def leave_for_issuer(request: ApiRequest, doors: Injected[Doors], provider: FromPath[str]) -> Response[None]:
    """Send the browser to the issuer to sign in there."""
    departure = await doors.oidc.begin(provider, address=address_of(request))
    # Lax: it has to come back on a way that the issuer begins.
    note = Cookie(
        key=NOTE, value=departure.sealed, path="/", secure=True, httponly=True, samesite="lax", max_age=WAIT_SECONDS
    )
    return Response(None, status_code=303, headers={**_HEADERS, "Location": departure.address}, cookies=[note])


@get(
    "/{provider:str}/callback",
    guards=[OpenDoor(any_query=True)],
    media_type=MediaType.HTML,
    status_code=200,
)
async def come_back(  # noqa: PLR0917 - what the standard sends
    request: ApiRequest,
    doors: Injected[Doors],
    provider: FromPath[str],
    code: Said = "",
    in_state: Annotated[str, QueryParameter(name="state", max_length=4096)] = "",
    iss: Annotated[str | None, QueryParameter(max_length=4096)] = None,
) -> Response[str]:
    """Come back from the issuer with a code; begins the session of a page."""
    session = await doors.oidc.finish(
        provider,
        code=code,
        state=in_state,
        sealed=request.cookies.get(NOTE, ""),
        issuer=iss,
        address=address_of(request),
    )
    response = Response(_IN, media_type=MediaType.HTML, status_code=200, headers=_HEADERS, cookies=[cookie_of(session)])
    response.delete_cookie(NOTE, path="/")
    return response


router = Router("/v1/sign-in/oidc", route_handlers=[leave_for_issuer, come_back], tags=["Sessions"])
