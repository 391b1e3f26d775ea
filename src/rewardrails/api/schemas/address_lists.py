"""Lists of destinations over the wire; entries are kept as digests and never go out."""

from datetime import datetime
from uuid import UUID

from rewardrails.api.schemas.common import Out
from rewardrails.domain.policy.case import ListKind
from rewardrails.engine.addresses import LoadedList


class AddressListOut(Out):
    """A list in force. `entries` counts every form in which a listed destination may be written here."""

    id: UUID
    name: str
    kind: ListKind
    source: str
    dated: datetime
    sha256: str
    entries: int
    loaded_by: str
    loaded_at: datetime

    @classmethod
    def of(cls, found: LoadedList) -> "AddressListOut":
        """A list as it goes out."""
        return cls(
            id=found.id,
            name=found.name,
            kind=found.kind,
            source=found.source,
            dated=found.dated,
            sha256=found.sha256.hex(),
            entries=found.entries,
            loaded_by=found.loaded_by,
            loaded_at=found.loaded_at,
        )


class AddressLists(Out):
    """The lists in force, by name."""

    address_lists: list[AddressListOut]
