"""How the fake provider shows its payouts, with their disguises."""

from datetime import UTC, datetime

from rewardrails.testing.fake_provider.amounts import to_text
from rewardrails.testing.fake_provider.behaviour import PLANS, Behaviour, Fate
from rewardrails.testing.fake_provider.book import PROCESSING, Entry
from rewardrails.testing.fake_provider.options import Options
from rewardrails.testing.fake_provider.wire import Destination, Payout

STRANGE_STATUS = "in_orbit"


class Views:
    """Makes API objects from entries."""

    def __init__(self, options: Options) -> None:
        self._exponents = options.exponents
        self._livemode = options.livemode

    def payout(self, entry: Entry, *, status: str = "", amount_minor: int | None = None) -> Payout:
        """The payout as the API shows it; `status` and `amount_minor` replace the truth where given."""
        accepted, disguise = entry.accepted, entry.disguise
        shown_minor = accepted.amount_minor if amount_minor is None else amount_minor
        return Payout(
            id=accepted.id,
            reference=accepted.reference,
            status=status or (disguise and disguise.status) or _status(entry),
            amount=(disguise and disguise.amount) or self.money(shown_minor, accepted.asset),
            asset=accepted.asset,
            destination=Destination(
                kind=accepted.kind,
                value=(disguise and disguise.destination) or accepted.value,
                memo=accepted.memo,
            ),
            fee=self.money(accepted.fee_minor, accepted.asset),
            failure_code=entry.code,
            livemode=self._livemode,
            created_at=timestamp(accepted.at),
        )

    def money(self, minor: int, asset: str) -> str:
        """Smallest units as the API's decimal string."""
        return to_text(minor, self._exponents[asset])


def timestamp(at: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _status(entry: Entry) -> str:
    strange = PLANS[Behaviour(entry.accepted.behaviour)].fate is Fate.STRANGE_STATUS
    return STRANGE_STATUS if strange and entry.status == PROCESSING else entry.status
