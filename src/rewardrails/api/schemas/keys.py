"""API keys over the wire; a token goes out once, when it is made."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from rewardrails.api.schemas.common import In, Name, Out
from rewardrails.security.keys import Scope, StoredKey


class KeyIn(In):
    """A key to make."""

    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope))]


class KeyOut(Out):
    """A key without its token."""

    id: UUID
    name: str
    scopes: list[Scope]
    created_by: str
    created_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: StoredKey) -> "KeyOut":
        """A key as it goes out."""
        return cls(
            id=key.id,
            name=key.name,
            scopes=sorted(key.scopes),
            created_by=key.created_by,
            created_at=key.created_at,
            revoked_at=key.revoked_at,
        )


class KeyList(Out):
    """Every key, oldest first."""

    keys: list[KeyOut]


class NewKey(Out):
    """A new key; its token cannot be shown again."""

    id: UUID
    name: str
    scopes: list[Scope]
    token: str
