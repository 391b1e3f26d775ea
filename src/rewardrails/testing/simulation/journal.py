"""A simulated rail's own books: the truth that everything else is measured against."""

from dataclasses import dataclass, field

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.order import Order

STANDING = frozenset({ObservedStatus.PENDING, ObservedStatus.PAID})


@dataclass(kw_only=True)
class Creation:
    """One payout as the rail made it; `at` is the world's second."""

    number: int
    key: str
    payout: str
    amount: Money
    destination: Destination = field(repr=False)
    fee_minor: int
    at: float
    status: ObservedStatus = ObservedStatus.PENDING
    was_paid: bool = False

    @property
    def reference(self) -> str:
        """The rail's own name for it."""
        return f"ref-{self.number}-{self.key[:8]}"

    @property
    def stands(self) -> bool:
        """Whether the money is, or will be, with the player."""
        return self.status in STANDING


@dataclass(kw_only=True)
class KeyMemory:
    """What the rail remembers of a key: what it first asked for, and what became of it (None: refused)."""

    content: tuple[object, ...]
    first_seen: float
    creation: Creation | None


class Journal:
    """Every creation, and every key as long as it is remembered."""

    def __init__(self, window_seconds: float | None) -> None:
        self._window = window_seconds
        self._keys: dict[str, KeyMemory] = {}
        self.creations: list[Creation] = []
        self.changed_content: list[str] = []

    def remembered(self, order: Order, now: float) -> KeyMemory | None:
        """What is known of the order's key; one that comes with other content than before is noted."""
        known = self._keys.get(order.rail_key)
        if known is None or (self._window is not None and now > known.first_seen + self._window):
            return None
        if known.content != content_of(order):
            self.changed_content.append(order.rail_key)
        return known

    def remember(self, order: Order, now: float, creation: Creation | None) -> None:
        """Keep the key with what became of it."""
        self._keys[order.rail_key] = KeyMemory(content=content_of(order), first_seen=now, creation=creation)

    def create(self, order: Order, now: float, fee_minor: int) -> Creation:
        """Make the payout."""
        made = Creation(
            number=len(self.creations) + 1,
            key=order.rail_key,
            payout=order.ref.payout_id.hex,
            amount=order.amount,
            destination=order.destination,
            fee_minor=fee_minor,
            at=now,
        )
        self.creations.append(made)
        return made

    def of_key(self, key: str) -> Creation | None:
        """The first creation under this key."""
        return next((creation for creation in self.creations if creation.key == key), None)

    def of_reference(self, reference: str) -> Creation | None:
        """The creation the rail calls so."""
        return next((creation for creation in self.creations if creation.reference == reference), None)


def content_of(order: Order) -> tuple[object, ...]:
    """Everything that a request body says of the payout."""
    return order.amount, order.destination, order.player_id, order.campaign, order.jurisdiction
