"""What the fake provider does: accepts, moves, cancels and tells; every change goes through the journal first."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from rewardrails.testing.fake_provider.amounts import to_minor
from rewardrails.testing.fake_provider.behaviour import PLANS, Behaviour, Choice, Chooser, Fate, Notice
from rewardrails.testing.fake_provider.book import CANCELED, FAILED, PAID, PROCESSING, RETURNED, Book, Entry
from rewardrails.testing.fake_provider.journal import Accepted, Journal, Moved, Record, Refused
from rewardrails.testing.fake_provider.notices import Notifier
from rewardrails.testing.fake_provider.options import Dedupes, LooksUp, Options
from rewardrails.testing.fake_provider.refusals import PASSING_CODES, info_for
from rewardrails.testing.fake_provider.timing import new_token, now
from rewardrails.testing.fake_provider.views import Views
from rewardrails.testing.fake_provider.wire import CreatePayout


@dataclass(frozen=True, slots=True)
class Denied:
    """A creation or cancel that was turned away with this vendor code."""

    code: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A creation that counts; `replayed` when the key had been seen."""

    entry: Entry
    replayed: bool = False


class Service:
    """One provider's business, on one event loop; `start` reads the journal and takes up what was unfinished."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.book = Book()
        self.chooser = Chooser(mix=options.mix, passing_codes=PASSING_CODES)
        self.floats = dict(options.floats)
        self.views = Views(options)
        self.journal = Journal(options.journal)
        self.notifier = Notifier(options, self.book, self.journal, self.views)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Replay the journal, then schedule every end and webhook that is still owed."""
        self._loop = asyncio.get_running_loop()
        for record in self.journal.replay():
            self.book.apply(record)
        for entry in self.book.by_id.values():
            self._schedule(entry)
        self.notifier.start()

    async def stop(self) -> None:
        """Stop telling and close the journal."""
        await self.notifier.stop()
        await self.journal.close()

    def seen(self, request: CreatePayout, key: str) -> Taken | Denied | None:
        """What the profile's memory of this key answers; None when the key is new to it."""
        if self.options.profile.dedupes is Dedupes.NONE:
            return None
        digest = content_digest(request)
        entries = self.book.by_key.get(key, ())
        known = entries[-1] if entries else None
        if known is not None and self._in_window(known.accepted.at):
            return Taken(known, replayed=True) if known.accepted.digest == digest else Denied("key_reused")
        refused = self.book.refused.get(key)
        if self.options.profile.replays_errors and refused is not None and self._in_window(refused.at):
            return Denied(refused.code) if refused.digest == digest else Denied("key_reused")
        return None

    def accept(self, request: CreatePayout, key: str, choice: Choice, *, batch: str = "") -> Taken | Denied:
        """Accept or refuse on the merits; the caller waits for the journal before it answers."""
        amount_minor, fee_minor, problem = self._assess(request)
        if problem:
            return self.refuse(request, key, problem)
        destination = request.destination
        record = Accepted(
            at=now(),
            id=f"po_{new_token()}",
            key=key,
            batch=batch,
            digest=content_digest(request),
            reference=request.reference,
            amount_minor=amount_minor,
            fee_minor=fee_minor,
            asset=request.asset,
            kind=destination.kind,
            value=destination.value,
            memo=destination.memo,
            behaviour=choice.behaviour,
            code=choice.code,
        )
        self.write(record)
        entry = self.book.by_id[record.id]
        if PLANS[choice.behaviour].fate is Fate.PAID_AT_ONCE:
            self.write(Moved(at=record.at, id=record.id, status=PAID))
        self._schedule(entry)
        return Taken(entry)

    def refuse(self, request: CreatePayout, key: str, code: str) -> Denied:
        """Turn a creation away and note it down."""
        status = info_for(code).status
        digest = content_digest(request)
        self.write(Refused(at=now(), key=key, digest=digest, reference=request.reference, status=status, code=code))
        return Denied(code)

    def cancel(self, entry: Entry) -> Denied | None:
        """Stop a payout that is still on its way; None when it is stopped (also when it already was)."""
        if entry.status == CANCELED:
            return None
        if entry.status != PROCESSING:
            return Denied("not_cancelable")
        self.move(entry, CANCELED, tell=Notice.ONCE)
        return None

    def find(self, reference: str) -> list[Entry] | None:
        """Payouts under a reference that the profile shows by now; None when it has no such lookup."""
        profile = self.options.profile
        if profile.lookup is LooksUp.ABSENT:
            return None
        lag = self.options.lookup_lag_seconds if profile.lookup is LooksUp.LATE else 0.0
        visible_from = now() - lag
        return [entry for entry in self.book.by_reference.get(reference, ()) if entry.accepted.at <= visible_from]

    def move(self, entry: Entry, status: str, *, code: str = "", tell: Notice) -> None:
        """Change a payout's truth, and tell."""
        self.write(Moved(at=now(), id=entry.accepted.id, status=status, code=code))
        self.notifier.tell(entry, tell)

    def write(self, record: Record) -> None:
        """Journal a record and let it act."""
        self.journal.append(record)
        self.book.apply(record)

    def fee_minor(self, amount_minor: int, asset: str) -> int:
        """What the provider charges on top, smallest units, rounded up."""
        return self.options.fixed_fees.get(asset, 0) + -(-amount_minor * self.options.fee_basis_points // 10_000)

    def _assess(self, request: CreatePayout) -> tuple[int, int, str]:
        exponent = self.options.exponents.get(request.asset)
        if exponent is None:
            return 0, 0, "asset_not_supported"
        amount_minor = to_minor(request.amount, exponent)
        if amount_minor is None:
            return 0, 0, "amount_malformed"
        if amount_minor < self.options.min_minor:
            return 0, 0, "amount_too_low"
        if self.options.max_minor is not None and amount_minor > self.options.max_minor:
            return 0, 0, "amount_too_high"
        fee_minor = self.fee_minor(amount_minor, request.asset)
        held = self.floats.get(request.asset)
        if held is not None and self.book.out_minor[request.asset] + amount_minor + fee_minor > held:
            return 0, 0, "insufficient_float"
        return amount_minor, fee_minor, ""

    def _in_window(self, at: float) -> bool:
        window = self.options.profile.window_seconds
        return window is None or now() - at < window

    def _schedule(self, entry: Entry) -> None:
        """Plan the next thing that happens to a payout by itself."""
        plan = PLANS[Behaviour(entry.accepted.behaviour)]
        profile = self.options.profile
        if entry.status == PROCESSING and plan.fate is not Fate.STUCK:
            self._call_at(entry.accepted.at + self.options.settle_seconds, self._finish, entry)
        elif entry.status == PAID and (plan.returned or profile.returns_after_seconds is not None):
            delay = self.options.return_seconds if plan.returned else profile.returns_after_seconds or 0.0
            self._call_at(entry.accepted.at + self.options.settle_seconds + delay, self._bounce, entry)

    def _call_at(self, at: float, act: Callable[[Entry], None], entry: Entry) -> None:
        assert self._loop is not None, "start() comes first"
        self._loop.call_later(max(0.0, at - now()), act, entry)

    def _finish(self, entry: Entry) -> None:
        if entry.status != PROCESSING:
            return
        plan = PLANS[Behaviour(entry.accepted.behaviour)]
        if plan.fate is Fate.FAILED:
            self.move(entry, FAILED, code=entry.accepted.code, tell=plan.notice)
            return
        self.move(entry, PAID, tell=plan.notice)
        self._schedule(entry)

    def _bounce(self, entry: Entry) -> None:
        if entry.status == PAID:
            self.move(entry, RETURNED, code="returned_by_bank", tell=Notice.ONCE)


def content_digest(request: CreatePayout) -> str:
    """What a key is bound to: reference, amount, asset and destination."""
    destination = request.destination
    parts = (request.reference, request.amount, request.asset, destination.kind, destination.value, destination.memo)
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
