"""The demo's fake rails: what each is, how it behaves, and the configuration that names them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from rewardrails.providers.capabilities import ProviderType
from rewardrails.testing.fake_provider.client import FakeProviderProcess

ASSETS = "USD=2,EUR=2,ton:native=9,custodial:USDT=6"
TIMING = ("--settle-seconds", "0.5", "--slow-seconds", "1.5", "--late-seconds", "3")
FEE_MINOR, FEE_CEILING = 25, "0.35"


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeRail:
    """One provider of the demo; `mix` weighs what its payouts meet."""

    name: str
    provider_type: ProviderType
    mix: str
    character: str


RAILS: Sequence[FakeRail] = (
    FakeRail(
        name="gift-cards",
        provider_type=ProviderType.GIFT_CARD,
        mix="settle=90,refuse:destination_closed=4,rate_limit=3,error_before=3",
        character="settles at once, refuses some, is busy now and then",
    ),
    FakeRail(
        name="bank",
        provider_type=ProviderType.FIAT_PROVIDER,
        mix="webhook=75,settle=10,fail=5,refuse:destination_invalid=4,duplicate_webhook=6",
        character="settles later and says so by signed webhook, some twice; some fail; charges a fee",
    ),
    FakeRail(
        name="ton",
        provider_type=ProviderType.TON_WALLET,
        mix="webhook=50,slow_webhook=50",
        character="slow",
    ),
    FakeRail(
        name="exchange",
        provider_type=ProviderType.CRYPTO_EXCHANGE,
        mix="webhook=82,lose_reply=10,error_after=4,garbage=4",
        character="pays, but some answers are lost on the way",
    ),
    FakeRail(
        name="telegram",
        provider_type=ProviderType.TELEGRAM_IF_SUPPORTED,
        mix="settle=65,out_of_order=15,never_notify=12,accept_late=4,hang=4",
        character="tells things out of order, or never; hangs sometimes",
    ),
)


def process_of(rail: FakeRail, folder: Path, api_port: int, seed: int = 7) -> FakeProviderProcess:
    """The rail's process, not started yet; `folder` is its memory."""
    return FakeProviderProcess(
        folder / rail.name,
        arguments=(
            *("--webhook-url", f"http://127.0.0.1:{api_port}/v1/webhooks/{rail.name}"),
            *("--mix", rail.mix, "--seed", str(seed), "--assets", ASSETS),
            *(("--fixed-fees", f"EUR={FEE_MINOR}") if rail.name == "bank" else ()),
            *TIMING,
        ),
    )


def configuration(api_port: int, processes: Sequence[FakeProviderProcess]) -> str:
    """The text of `rewardrails.toml` for rails that run."""
    text = files("rewardrails.demo").joinpath("rewardrails.toml").read_text(encoding="utf-8")
    tables = "".join(_table(rail, process) for rail, process in zip(RAILS, processes, strict=True))
    return Template(text).substitute(api_port=api_port, fake_providers=tables)


def _table(rail: FakeRail, process: FakeProviderProcess) -> str:
    def where(name: str) -> str:
        return json.dumps(f"file:{process.folder.absolute() / name}", ensure_ascii=False)

    fees = f'fees = {{ fixed = {{ EUR = "{FEE_CEILING}" }} }}\n' if rail.name == "bank" else ""
    return (
        f"# {rail.character}\n"
        f"[providers.{rail.name}]\n"
        f'type = "{rail.provider_type.value}"\n'
        'adapter = "fake"\n'
        "enabled = true\n"
        "call_timeout_seconds = 2.0\n"
        f'settings = {{ base_url = "{process.url}", first_sync_after_seconds = 2.0 }}\n'
        f"credentials = {{ api_token = {where('token')}, webhook_secret = {where('webhook-secret')} }}\n"
        f"{fees}\n"
    )
