"""A provider's or a bank's own account of what it paid for us."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus


class Statements(StrEnum):
    """How a rail's own account of its payments is read."""

    LIST = "list"
    FILE = "file"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From one moment up to, not including, another."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementItem:
    """One payment as the provider tells it.

    `item_id` is the provider's name of this one entry and tells it from every other; `provider_reference` is the name that
    an attempt of ours keeps (the same, where it is empty). `reference` is what we named it, where the entry carries that.
    `amount` is what arrives; None stands for a currency that is not configured, and then `told` says how it is written.
    """

    item_id: str
    provider_reference: str = ""
    reference: str = ""
    amount: Money | None
    told: str = ""
    fee: Money | None = None
    status: ObservedStatus
    provider_status: str = ""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFile:
    """Everything a file tells of money that left, and the time it accounts for."""

    covers: Window
    items: tuple[StatementItem, ...]


class FindingKind(StrEnum):
    """What a reconciliation finds."""

    MISSING_THERE = "missing_there"
    MISSING_HERE = "missing_here"
    NOT_OURS = "not_ours"
    PAID_TWICE = "paid_twice"
    AMOUNT_DIFFERS = "amount_differs"
    FEE_DIFFERS = "fee_differs"
    STATE_DIFFERS = "state_differs"
