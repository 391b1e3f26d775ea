"""Sessions: sign in, prove again who one is, sign out, and who am I?"""

from litestar import Response, Router, delete, get, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody

from rewardrails.api.auth import COOKIE, ApiRequest, OpenDoor, Requires, address_of
from rewardrails.api.doors import Doors
from rewardrails.api.inject import Injected
from rewardrails.api.schemas.sessions import MeOut, SessionOut, SignInIn, StepUpIn, TelegramIn
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid
from rewardrails.secrets import Secret
from rewardrails.security import sessions
from rewardrails.security.caller import Caller
from rewardrails.security.sessions import OpenedSession


@post("/v1/sessions", guards=[OpenDoor()], status_code=201)
async def sign_in(
    request: ApiRequest, core: Injected[Core], doors: Injected[Doors], data: JSONBody[SignInIn]
) -> Response[SessionOut]:
    """Sign in with name, password and code. Whatever is wrong, the answer is the same; too many tries are answered 429."""
    session = await doors.sign_in.with_password(
        name=data.name, password=Secret(data.password), code=data.totp, address=address_of(request)
    )
    return answer_of(core, session)


@post("/v1/sign-in/telegram", guards=[OpenDoor()], status_code=201)
async def sign_in_with_telegram(
    request: ApiRequest, core: Injected[Core], doors: Injected[Doors], data: JSONBody[TelegramIn]
) -> Response[SessionOut]:
    """Sign in with a Telegram Mini App's init data: signed, recent, used once, of a Telegram user that an operator has."""
    session = await doors.sign_in.with_telegram(data.init_data, address=address_of(request))
    return answer_of(core, session)


@post("/v1/sessions/step-up", guards=[Requires(None)], status_code=200)
async def step_up(request: ApiRequest, core: Injected[Core], doors: Injected[Doors], data: JSONBody[StepUpIn]) -> MeOut:
    """Prove again who you are, by a new code or the password; some approvals ask for a proof that is minutes old."""
    if (data.totp is None) == (data.password is None):
        raise FieldInvalid("totp: give it, or the password, and not both", field="totp")
    password = Secret(data.password) if data.password is not None else None
    caller = await doors.sign_in.step_up(request.user, password=password, code=data.totp, address=address_of(request))
    return _me(core, caller)


@delete("/v1/sessions/current", guards=[Requires(None)], status_code=204)
async def sign_out(request: ApiRequest, core: Injected[Core]) -> Response[None]:
    """End this session, at once and everywhere."""
    if request.user.session_id is None:
        raise FieldInvalid("an API key has no session: revoke the key instead", field="Authorization")
    await sessions.sign_out(core.database, request.user)
    response: Response[None] = Response(None, status_code=204)
    response.delete_cookie(COOKIE, path="/")
    return response


@get("/v1/me", guards=[Requires(None)])
async def who_am_i(request: ApiRequest, core: Injected[Core]) -> MeOut:
    """Who is calling, with roles and scopes."""
    return _me(core, request.user)


def answer_of(core: Core, session: OpenedSession) -> Response[SessionOut]:
    """A new session, as an answer and as a page's cookie."""
    out = SessionOut.of(session, sessions.csrf_token(core.vault, session.id))
    return Response(out, status_code=201, cookies=[cookie_of(session)], headers={"Cache-Control": "no-store"})


def cookie_of(session: OpenedSession) -> Cookie:
    """The cookie of a page: no script reads it, no other site's request carries it, it ends with the browser."""
    return Cookie(key=COOKIE, value=session.token.reveal(), path="/", secure=True, httponly=True, samesite="strict")


def _me(core: Core, caller: Caller) -> MeOut:
    return MeOut.of(caller, sessions.csrf_token(core.vault, caller.session_id) if caller.session_id else None)


router = Router("/", route_handlers=[sign_in, sign_in_with_telegram, step_up, sign_out, who_am_i], tags=["Sessions"])
