"""How a fake provider is set up: the promises its API makes (profile) and the figures of one run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from rewardrails.testing.fake_provider.behaviour import Mix


class Dedupes(StrEnum):
    """What a seen Idempotency-Key stops: the request, the batch it came in, or nothing."""

    REQUEST = "request"
    BATCH = "batch"
    NONE = "none"


class LooksUp(StrEnum):
    """Whether payouts can be found by reference: at once, after a lag, or never."""

    IMMEDIATE = "immediate"
    LATE = "late"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The promises a provider makes about keys, lookup, batches and reversals."""

    dedupes: Dedupes = Dedupes.REQUEST
    window_seconds: float | None = None
    replays_errors: bool = False
    lookup: LooksUp = LooksUp.IMMEDIATE
    batch_is_atomic: bool = True
    returns_after_seconds: float | None = None


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "default": Profile(),
        "dedupe-batch": Profile(dedupes=Dedupes.BATCH, batch_is_atomic=False),
        "dedupe-none": Profile(dedupes=Dedupes.NONE),
        "window-expires": Profile(window_seconds=2.0),
        "replays-errors": Profile(replays_errors=True),
        "lookup-late": Profile(lookup=LooksUp.LATE),
        "lookup-absent": Profile(lookup=LooksUp.ABSENT),
        "batch-not-atomic": Profile(batch_is_atomic=False),
        "late-reversal": Profile(returns_after_seconds=2.0),
    }
)

DEFAULT_EXPONENTS: Mapping[str, int] = MappingProxyType(
    {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "TON": 9, "USDT": 6, "STARS": 0, "XTR": 0}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One run. Durations in seconds; `floats` and `fixed_fees` in smallest units per asset, no entry means none."""

    journal: Path
    token: str = field(repr=False)
    control_token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 0
    webhook_url: str = ""
    profile: Profile = field(default_factory=Profile)
    mix: Mix = field(default_factory=Mix)
    exponents: Mapping[str, int] = field(default_factory=lambda: DEFAULT_EXPONENTS)
    floats: Mapping[str, int] = field(default_factory=dict)
    fixed_fees: Mapping[str, int] = field(default_factory=dict)
    fee_basis_points: int = 0
    min_minor: int = 1
    max_minor: int | None = None
    settle_seconds: float = 0.5
    slow_seconds: float = 10.0
    late_seconds: float = 5.0
    lookup_lag_seconds: float = 2.0
    return_seconds: float = 5.0
    retry_after_seconds: int = 1
    webhook_concurrency: int = 16
    livemode: bool = False
