"""The fake provider's state in memory: rebuilt from the journal at start, changed only by journal records."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import assert_never

from rewardrails.testing.fake_provider.behaviour import payout_part
from rewardrails.testing.fake_provider.journal import Accepted, Delivered, Disguised, Moved, Noticed, Record, Refused
from rewardrails.testing.fake_provider.wire import Totals

PROCESSING = "processing"
PAID = "paid"
FAILED = "failed"
CANCELED = "canceled"
RETURNED = "returned"
ENDED_WITHOUT_MONEY = frozenset({FAILED, CANCELED, RETURNED})


@dataclass(slots=True)
class Entry:
    """A payout and where it stands."""

    accepted: Accepted
    status: str = PROCESSING
    code: str = ""
    disguise: Disguised | None = None

    @property
    def stands(self) -> bool:
        """Whether its money is out or on its way out."""
        return self.status not in ENDED_WITHOUT_MONEY


@dataclass(slots=True)
class Book:
    """Payouts by every name they have, refusals by key, webhooks not yet delivered."""

    by_id: dict[str, Entry] = field(default_factory=dict)
    by_key: dict[str, list[Entry]] = field(default_factory=dict)
    by_reference: dict[str, list[Entry]] = field(default_factory=dict)
    refused: dict[str, Refused] = field(default_factory=dict)
    notices: dict[str, Noticed] = field(default_factory=dict)
    out_minor: Counter[str] = field(default_factory=Counter)
    delivered: int = 0
    requests: int = 0

    def apply(self, record: Record) -> None:
        """Let one record change the state."""
        match record:
            case Accepted():
                self._accept(record)
            case Moved():
                self._move(record)
            case Refused():
                self.refused[record.key] = record
            case Noticed():
                self.notices[record.event] = record
            case Delivered():
                self.notices.pop(record.event, None)
                self.delivered += 1
            case Disguised():
                self.by_id[record.id].disguise = record
            case _:
                assert_never(record)

    def totals(self) -> Totals:
        """Count everything."""
        entries = self.by_id.values()
        standing = [entry for entry in entries if entry.stands]
        paid = [entry for entry in entries if entry.status == PAID]
        return Totals(
            accepted=len(self.by_id),
            requests=self.requests,
            pending_webhooks=len(self.notices),
            delivered_webhooks=self.delivered,
            by_status=Counter(entry.status for entry in entries),
            accepted_by_payout=Counter(payout_part(entry.accepted.reference) for entry in entries),
            standing_by_payout=Counter(payout_part(entry.accepted.reference) for entry in standing),
            accepted_by_reference=Counter(entry.accepted.reference for entry in entries),
            standing_by_destination=Counter(entry.accepted.value for entry in standing),
            paid_minor_by_asset=_sum_by_asset(paid),
            standing_minor_by_asset=_sum_by_asset(standing),
        )

    def _accept(self, record: Accepted) -> None:
        entry = Entry(record)
        self.by_id[record.id] = entry
        self.by_key.setdefault(record.key, []).append(entry)
        self.by_reference.setdefault(record.reference, []).append(entry)
        self.out_minor[record.asset] += record.amount_minor + record.fee_minor

    def _move(self, record: Moved) -> None:
        entry = self.by_id[record.id]
        stood = entry.stands
        entry.status, entry.code = record.status, record.code
        taken = entry.accepted.amount_minor + entry.accepted.fee_minor
        self.out_minor[entry.accepted.asset] += taken * (int(entry.stands) - int(stood))


def _sum_by_asset(entries: Iterable[Entry]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for entry in entries:
        totals[entry.accepted.asset] += entry.accepted.amount_minor
    return totals
