"""What a simulated rail promises and does, drawn from a seed."""

from dataclasses import dataclass
from datetime import timedelta

from rewardrails.providers.capabilities import Capabilities, Dedupe, KeyFormat, Lookup, ProviderType, WebhookTrust
from rewardrails.testing.simulation.chance import Chance

CALL_TIMEOUT = timedelta(seconds=2)
WINDOW = timedelta(seconds=90)
LAG = timedelta(seconds=30)
HORIZON = timedelta(hours=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class RailProfile:
    """The figures that differ from rail to rail.

    `cancels`: takes back what is pending. `thin_notices`: its notices name payouts by its own reference only.
    """

    dedupe: Dedupe
    window: timedelta | None
    replays_errors: bool
    lookup: Lookup
    authoritative: bool
    lag: timedelta
    reverses: bool
    cancels: bool
    thin_notices: bool
    max_in_flight: int

    @property
    def capabilities(self) -> Capabilities:
        """The same, as the engine reads it."""
        return Capabilities(
            provider_type=ProviderType.FIAT_PROVIDER,
            dedupe=self.dedupe,
            dedupe_window=self.window,
            dedupe_replays_errors=self.replays_errors,
            key_format=KeyFormat(max_length=64, alphabet="0123456789abcdef-"),
            lookup=self.lookup,
            lookup_is_authoritative=self.authoritative,
            lookup_lag=self.lag,
            webhooks=WebhookTrust.SIGNED_FULL,
            reversal_horizon=HORIZON if self.reverses else timedelta(0),
            max_in_flight=self.max_in_flight,
            call_timeout=CALL_TIMEOUT,
        )

    def __str__(self) -> str:
        dedupe = {
            Dedupe.REPLAY: "answers a key it knows as before",
            Dedupe.REJECT_WITH_POINTER: "points from a key it knows to its payout",
            Dedupe.REJECT_BARE: "refuses a key it knows without a word more",
            Dedupe.NONE: "does not deduplicate",
        }[self.dedupe]
        lookup = {
            Lookup.OUR_REFERENCE: "can be asked by our key",
            Lookup.PROVIDER_REFERENCE: "can be asked by its own reference only",
            Lookup.NONE: "cannot be asked",
        }[self.lookup]
        words = [
            dedupe,
            f"forgets keys after {self.window.total_seconds():.0f} s" if self.window else "",
            "binds refusals to the key" if self.replays_errors else "",
            lookup,
            f"sees payouts {self.lag.total_seconds():.0f} s late" if self.lag else "",
            "may say 'unknown' of what it has" if not self.authoritative else "",
            "may take money back" if self.reverses else "",
            "cancels what is pending" if self.cancels else "",
            "names payouts in notices by its own reference" if self.thin_notices else "",
            f"takes {self.max_in_flight} at a time",
        ]
        return ", ".join(word for word in words if word)


def draw_profile(chance: Chance) -> RailProfile:
    """A rail's figures; about half the rails are as good as rails get."""
    dedupe = chance.choice((Dedupe.REPLAY, Dedupe.REPLAY, Dedupe.REJECT_WITH_POINTER, Dedupe.REJECT_BARE, Dedupe.NONE))
    keeps = dedupe is not Dedupe.NONE
    lookup = chance.choice((Lookup.OUR_REFERENCE,) * 6 + (Lookup.PROVIDER_REFERENCE, Lookup.NONE))
    return RailProfile(
        dedupe=dedupe,
        window=WINDOW if keeps and chance.random() < 0.4 else None,
        replays_errors=keeps and chance.random() < 0.3,
        lookup=lookup,
        authoritative=lookup is Lookup.OUR_REFERENCE and chance.random() < 0.85,
        lag=LAG if lookup is Lookup.OUR_REFERENCE and chance.random() < 0.3 else timedelta(0),
        reverses=chance.random() < 0.4,
        cancels=chance.random() < 0.6,
        thin_notices=chance.random() < 0.3,
        max_in_flight=chance.choice((1, 2, 10, 10)),
    )
