"""Who is calling: an API key or a signed-in person, told apart only by their name in history."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from rewardrails import clock
from rewardrails.errors import Forbidden, StepUpRequired
from rewardrails.security.roles import Role
from rewardrails.security.scopes import Scope, with_implied


class CallerKind(StrEnum):
    """What stands behind a call; begins the caller's name in history."""

    KEY = "key"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A known caller. `authenticated_at` is when a person last proved who they are; a key never does."""

    kind: CallerKind
    id: UUID
    name: str
    scopes: frozenset[Scope]
    roles: frozenset[Role] = frozenset()
    session_id: UUID | None = None
    authenticated_at: datetime | None = None

    @property
    def actor(self) -> str:
        """Name in events, transfers and observations."""
        return f"{self.kind}:{self.id}"

    def may(self, scope: Scope) -> bool:
        """Whether this caller has `scope`, itself or by implication."""
        return scope in with_implied(self.scopes)

    @property
    def sees_words(self) -> bool:
        """Whether what people wrote (causes, reasons, proofs, evidence) is shown to this caller: it may name anything."""
        return self.may(Scope.REVEAL) or self.may(Scope.RESOLVE)

    def require(self, scope: Scope) -> None:
        """Raise `Forbidden` unless the caller has `scope`."""
        if not self.may(scope):
            raise Forbidden(f"the {self.kind} {self.name!r} lacks the scope {scope.value!r}")


def require_fresh(authenticated_at: datetime | None, within: timedelta | None) -> None:
    """Raise `StepUpRequired` unless a person proved who they are within this time; None asks for nothing.

    Two processes' clocks may differ a little, so a moment that has not come yet is not younger than now.
    """
    if within is None:
        return
    if authenticated_at is None:
        raise StepUpRequired("this needs a person who signed in lately: an API key cannot do it")
    if authenticated_at + within <= clock.now():
        minutes = round(within.total_seconds() / 60)
        raise StepUpRequired(f"this needs a sign-in of the last {minutes} minutes: prove again who you are")
