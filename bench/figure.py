"""What a measurement is told and what it answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rewardrails.store.embedded import EmbeddedPostgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much each measure does."""

    file_rows: int
    payouts: int
    posts: int
    backlog: int
    plain: int
    vendor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Ours (`what`) and the yardstick (`beside`), in the unit that `what` names.

    `cpu`: microseconds of processor time a payout, by process; unlike the rates hardly moved by what else the machine does.
    """

    what: str
    beside: str
    ours: float
    limit: float
    cpu: Mapping[str, float] = field(default_factory=dict)


Measure = Callable[[EmbeddedPostgres, Sizes], Awaitable[Sequence[Figure]]]
