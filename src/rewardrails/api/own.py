"""What callers see who may see their own alone: anybody else's is answered like what is not there."""

from uuid import UUID

from rewardrails.errors import NotFound
from rewardrails.security.caller import Caller
from rewardrails.security.scopes import Scope


def maker_seen_by(caller: Caller) -> str | None:
    """Whose objects the caller may see; None is everybody's."""
    return None if caller.may(Scope.READ) else caller.actor


def refuse_others(caller: Caller, kind: str, object_id: UUID, created_by: str) -> None:
    """Raise `NotFound`, in the words of the engine, for an object that the caller may not see."""
    if maker_seen_by(caller) not in (None, created_by):
        raise NotFound(f"there is no {kind} {object_id}")
