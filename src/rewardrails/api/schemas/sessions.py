"""Signing in over the wire; a token goes out once, when the session begins."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from rewardrails.api.schemas.common import NO_CONTROL, In, Name, Out
from rewardrails.security.caller import Caller, CallerKind
from rewardrails.security.roles import Role
from rewardrails.security.scopes import Scope, with_implied
from rewardrails.security.sessions import OpenedSession

Typed = Annotated[str, Meta(min_length=1, max_length=256, pattern=NO_CONTROL)]
Code = Annotated[str, Meta(min_length=6, max_length=6, pattern="^[0-9]{6}$")]


class SignInIn(In):
    """A name with its password and the authenticator's present code."""

    name: Name
    password: Typed
    totp: Code


class TelegramIn(In):
    """What a Telegram Mini App was started with, unchanged."""

    init_data: Annotated[str, Meta(min_length=1, max_length=4096, pattern=NO_CONTROL)]


class StepUpIn(In):
    """Either of the two; a code works once."""

    totp: Code | None = None
    password: Typed | None = None


class SessionOut(Out):
    """A new session. Send `token` as a bearer; a page uses the cookie, and `csrf_token` with every change."""

    id: UUID
    token: str
    csrf_token: str
    name: str
    expires_at: datetime

    @classmethod
    def of(cls, session: OpenedSession, csrf_token: str) -> "SessionOut":
        """A session as it goes out, this once."""
        return cls(
            id=session.id,
            token=session.token.reveal(),
            csrf_token=csrf_token,
            name=session.name,
            expires_at=session.expires_at,
        )


class MeOut(Out):
    """Who the caller is, and what they may do."""

    actor: str
    kind: CallerKind
    name: str
    roles: list[Role]
    scopes: list[Scope]
    authenticated_at: datetime | None
    csrf_token: str | None

    @classmethod
    def of(cls, caller: Caller, csrf_token: str | None) -> "MeOut":
        """A caller as it goes out."""
        return cls(
            actor=caller.actor,
            kind=caller.kind,
            name=caller.name,
            roles=sorted(caller.roles),
            scopes=sorted(with_implied(caller.scopes)),
            authenticated_at=caller.authenticated_at,
            csrf_token=csrf_token,
        )
