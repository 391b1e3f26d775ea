"""Command line of the fake provider: `python -m rewardrails.testing.fake_provider --journal DIR`."""

import gc
import json
import os
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import uvloop
from cyclopts import App, Parameter

from rewardrails import ids
from rewardrails.testing.fake_provider.behaviour import Mix
from rewardrails.testing.fake_provider.options import DEFAULT_EXPONENTS, PROFILES, Options
from rewardrails.testing.fake_provider.server import serve

app = App(name="fake-provider", help="A payout provider that keeps its own truth, for tests, the demo and the bench.")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Flags:
    """The command line; durations in seconds, money in smallest units."""

    journal: Path
    "Folder for the journal and, unless given, for the secret files; it is the provider's whole memory."
    port: int = 0
    "0 takes a free one."
    webhook_url: str = ""
    "Where events go; none are made without it."
    token_file: Path | None = None
    "The API's token; read if it exists, else written with a new one. So are the two other secret files."
    control_token_file: Path | None = None
    webhook_secret_file: Path | None = None
    profile: str = "default"
    "The provider's promises: one of PROFILES in options.py."
    mix: str = "webhook=1"
    "Weighted behaviours, as in settle=35,webhook=45,refuse:destination_closed=5,lose_reply=5."
    seed: int = 0
    mix_by: Literal["payout", "destination"] = "payout"
    "What decides, with the seed, which behaviour a creation meets."
    assets: str = ""
    "Exponents, as in USD=2,TON=9; the usual ones are known."
    floats: str = ""
    "Held per asset, as in USD=1000000; no entry means without end."
    fixed_fees: str = ""
    "Charged per payout, as in USD=25."
    fee_basis_points: int = 0
    min_minor: int = 1
    max_minor: int | None = None
    settle_seconds: float = 0.5
    "From acceptance to the end."
    slow_seconds: float = 10.0
    "How late a slow webhook is."
    late_seconds: float = 5.0
    "How long a late acceptance waits."
    lookup_lag_seconds: float = 2.0
    return_seconds: float = 5.0
    "From paid to returned, where a behaviour returns."
    retry_after_seconds: int = 1
    webhook_concurrency: int = 16
    livemode: bool = False
    end_with_stdin: bool = False
    "Stop when standard input ends: whoever started it is gone."


@app.default
def main(flags: Flags) -> None:
    """Serve until stopped; prints one JSON line with the URL and the secret files when ready."""
    flags.journal.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = {
        "token_file": flags.token_file or flags.journal / "token",
        "control_token_file": flags.control_token_file or flags.journal / "control-token",
        "webhook_secret_file": flags.webhook_secret_file or flags.journal / "webhook-secret",
    }
    options = _options(flags, files)
    shown = {name: str(path) for name, path in files.items()}

    def ready(url: str) -> None:
        sys.stdout.write(json.dumps({"url": url, **shown}) + "\n")
        sys.stdout.flush()

    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # its book only grows; looking through it again and again finds nothing
    uvloop.run(serve(options, ready=ready, end_with_stdin=flags.end_with_stdin))


def _options(flags: Flags, files: Mapping[str, Path]) -> Options:
    if flags.profile not in PROFILES:
        raise SystemExit(f"no profile is called {flags.profile}; there are {', '.join(PROFILES)}")
    return Options(
        journal=flags.journal / "journal.jsonl",
        token=_secret(files["token_file"], ids.new_token),
        control_token=_secret(files["control_token_file"], ids.new_token),
        webhook_secret=_secret(files["webhook_secret_file"], _new_webhook_secret),
        port=flags.port,
        webhook_url=flags.webhook_url,
        profile=PROFILES[flags.profile],
        mix=Mix.parse(flags.mix, seed=flags.seed, by_destination=flags.mix_by == "destination"),
        exponents=dict(DEFAULT_EXPONENTS) | _whole_numbers(flags.assets),
        floats=_whole_numbers(flags.floats),
        fixed_fees=_whole_numbers(flags.fixed_fees),
        fee_basis_points=flags.fee_basis_points,
        min_minor=flags.min_minor,
        max_minor=flags.max_minor,
        settle_seconds=flags.settle_seconds,
        slow_seconds=flags.slow_seconds,
        late_seconds=flags.late_seconds,
        lookup_lag_seconds=flags.lookup_lag_seconds,
        return_seconds=flags.return_seconds,
        retry_after_seconds=flags.retry_after_seconds,
        webhook_concurrency=flags.webhook_concurrency,
        livemode=flags.livemode,
    )


def _secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in a file; a missing file is written first, readable by its owner alone."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
    secret = path.read_text().strip()
    if not secret:
        raise SystemExit(f"{path} is empty; remove it to have a new secret made")
    return secret


def _new_webhook_secret() -> str:
    return f"whsec_{b64encode(ids.new_token().encode()).decode()}"


def _whole_numbers(text: str) -> dict[str, int]:
    """Read `USD=2,TON=9`."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): int(number) for name, _, number in pairs}


if __name__ == "__main__":
    app()
