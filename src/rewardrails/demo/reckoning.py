"""Counting outside ourselves: what the providers' own journals say, against what our tables say."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import msgspec

from rewardrails.demo.rails import RAILS
from rewardrails.domain.payout import PayoutState
from rewardrails.engine.read import PayoutFilter, PayoutView
from rewardrails.engine.request import RequestVerdict
from rewardrails.facade import RewardRails
from rewardrails.testing.fake_provider.behaviour import payout_part
from rewardrails.testing.fake_provider.book import PAID, Book, Entry
from rewardrails.testing.fake_provider.journal import Record

PAGE = 1000
_ENDED = frozenset({PayoutState.PAID, PayoutState.FAILED, PayoutState.CANCELED, PayoutState.RETURNED})
_FLAGGED = frozenset({PayoutState.HELD, PayoutState.AWAITING_APPROVAL, PayoutState.OUTCOME_UNKNOWN})
_FAKES = frozenset(rail.name for rail in RAILS)
_decode = msgspec.json.Decoder(Record).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """Rewards at fault, by what is wrong with them; empty is right."""

    accepted_there: int
    paid_there: int
    double_paid: tuple[str, ...]
    without_payout: int
    without_end: tuple[str, ...]
    flagged: int
    paid_there_not_here: tuple[str, ...]
    paid_here_not_there: tuple[str, ...]
    other_amount: tuple[str, ...]
    broken_books: tuple[str, ...]

    @property
    def losses(self) -> int:
        """Rewards that were lost sight of, one way or the other."""
        lost = (self.without_end, self.paid_there_not_here, self.paid_here_not_there, self.other_amount)
        return self.without_payout + sum(len(rewards) for rewards in lost)

    @property
    def is_right(self) -> bool:
        """No double pay, no loss, balanced books."""
        return not (self.double_paid or self.losses or self.broken_books)


async def reckon(rails: RewardRails, batch_id: UUID, journals: Sequence[Path]) -> Reckoning:
    """Compare every payout we ever made with every creation the providers ever accepted."""
    ours = await _ours(rails)
    theirs = _by_payout(journals)
    double, there_only, here_only, other = [], [], [], []
    for payout_id in ours.keys() | theirs.keys():
        view, entries = ours.get(payout_id), theirs.get(payout_id, [])
        name = view.reward_id if view else payout_id
        standing = [entry for entry in entries if entry.stands]
        paid = [entry for entry in standing if entry.status == PAID]
        is_paid_here = view is not None and view.state is PayoutState.PAID
        if len(standing) > 1:
            double.append(name)
        if paid and not is_paid_here:
            there_only.append(name)
        if is_paid_here and view is not None and view.provider in _FAKES and not paid:
            here_only.append(name)
        if view is not None and any(_differs(entry, view) for entry in standing):
            other.append(name)
    states = Counter(view.state for view in ours.values())
    totals = await rails.batch_totals(batch_id)
    return Reckoning(
        accepted_there=sum(len(entries) for entries in theirs.values()),
        paid_there=sum(entry.status == PAID for entries in theirs.values() for entry in entries),
        double_paid=tuple(double),
        without_payout=sum(
            line.rows - line.payouts for line in totals.lines if line.verdict is RequestVerdict.ACCEPTED
        ),
        without_end=tuple(view.reward_id for view in ours.values() if view.state not in _ENDED | _FLAGGED),
        flagged=sum(states[state] for state in _FLAGGED),
        paid_there_not_here=tuple(there_only),
        paid_here_not_there=tuple(here_only),
        other_amount=tuple(other),
        broken_books=(await rails.verify_ledger()).broken,
    )


async def _ours(rails: RewardRails) -> Mapping[str, PayoutView]:
    found: dict[str, PayoutView] = {}
    before: UUID | None = None
    while page := await rails.list(PayoutFilter(), before=before, limit=PAGE):
        found |= {view.id.hex: view for view in page}
        before = page[-1].id
    return found


def _by_payout(journals: Sequence[Path]) -> Mapping[str, list[Entry]]:
    """What each journal accepted, by our payout (over all its attempts and all providers)."""
    found: dict[str, list[Entry]] = {}
    for journal in journals:
        book = Book()
        for record in _records(journal):
            book.apply(record)
        for entry in book.by_id.values():
            found.setdefault(payout_part(entry.accepted.reference), []).append(entry)
    return found


def _records(journal: Path) -> Iterator[Record]:
    with journal.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):  # a torn last line is nobody's truth
                yield _decode(line)


def _differs(entry: Entry, view: PayoutView) -> bool:
    return (entry.accepted.amount_minor, entry.accepted.asset) != (view.amount_minor, view.asset)
