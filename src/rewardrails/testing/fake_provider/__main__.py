"""Command line of the fake provider: `python -m rewardrails.testing.fake_provider --journal DIR`."""

import json
import os
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import uvloop
from cyclopts import App

from rewardrails import ids
from rewardrails.testing.fake_provider.behaviour import Mix
from rewardrails.testing.fake_provider.options import DEFAULT_EXPONENTS, PROFILES, Options
from rewardrails.testing.fake_provider.server import serve

app = App(name="fake-provider", help="A payout provider that keeps its own truth, for tests, the demo and the bench.")


@app.default
def main(
    *,
    journal: Path,
    port: int = 0,
    webhook_url: str = "",
    token_file: Path | None = None,
    control_token_file: Path | None = None,
    webhook_secret_file: Path | None = None,
    profile: str = "default",
    mix: str = "webhook=1",
    seed: int = 0,
    mix_by: str = "payout",
    assets: str = "",
    floats: str = "",
    fixed_fees: str = "",
    fee_basis_points: int = 0,
    min_minor: int = 1,
    max_minor: int | None = None,
    settle_seconds: float = 0.5,
    slow_seconds: float = 10.0,
    late_seconds: float = 5.0,
    lookup_lag_seconds: float = 2.0,
    return_seconds: float = 5.0,
    retry_after_seconds: int = 1,
    webhook_concurrency: int = 16,
    livemode: bool = False,
    end_with_stdin: bool = False,
) -> None:
    """Serve until stopped; prints one JSON line with the URL and the secret files when ready.

    Parameters
    ----------
    journal
        Folder for the journal and, unless given, for the secret files; it is the provider's whole memory.
    port
        0 takes a free one.
    webhook_url
        Where events go; none are made without it.
    token_file
        The API's token; read if it exists, else written with a new one. So are the two other secret files.
    profile
        default, dedupe-batch, dedupe-none, window-expires, replays-errors, lookup-late, lookup-absent, batch-not-atomic
        or late-reversal.
    mix
        Weighted behaviours, as in settle=35,webhook=45,refuse:destination_closed=5,lose_reply=5.
    mix_by
        What decides, with the seed, which behaviour a creation meets: payout or destination.
    assets
        Exponents, as in USD=2,TON=9; the usual ones are known.
    floats
        Smallest units held per asset, as in USD=1000000; no entry means without end.
    fixed_fees
        Smallest units charged per payout, as in USD=25.
    """
    journal.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = {
        "token_file": token_file or journal / "token",
        "control_token_file": control_token_file or journal / "control-token",
        "webhook_secret_file": webhook_secret_file or journal / "webhook-secret",
    }
    options = Options(
        journal=journal / "journal.jsonl",
        token=_secret(files["token_file"], ids.new_token),
        control_token=_secret(files["control_token_file"], ids.new_token),
        webhook_secret=_secret(files["webhook_secret_file"], _new_webhook_secret),
        port=port,
        webhook_url=webhook_url,
        profile=PROFILES[profile],
        mix=Mix.parse(mix, seed=seed, by_destination=mix_by == "destination"),
        exponents=dict(DEFAULT_EXPONENTS) | _whole_numbers(assets),
        floats=_whole_numbers(floats),
        fixed_fees=_whole_numbers(fixed_fees),
        fee_basis_points=fee_basis_points,
        min_minor=min_minor,
        max_minor=max_minor,
        settle_seconds=settle_seconds,
        slow_seconds=slow_seconds,
        late_seconds=late_seconds,
        lookup_lag_seconds=lookup_lag_seconds,
        return_seconds=return_seconds,
        retry_after_seconds=retry_after_seconds,
        webhook_concurrency=webhook_concurrency,
        livemode=livemode,
    )
    shown = {name: str(path) for name, path in files.items()}

    def ready(url: str) -> None:
        sys.stdout.write(json.dumps({"url": url, **shown}) + "\n")
        sys.stdout.flush()

    uvloop.run(serve(options, ready=ready, end_with_stdin=end_with_stdin))


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
