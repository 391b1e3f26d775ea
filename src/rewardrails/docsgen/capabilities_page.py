"""The capability matrix of the adapters that come along."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from rewardrails.docsgen.markdown import code, codes, table
from rewardrails.providers.base import (
    RewardPayoutProvider,
    SupportsBalance,
    SupportsBatch,
    SupportsCancel,
    SupportsPrepare,
    SupportsWebhooks,
)
from rewardrails.providers.capabilities import Capabilities, KeyFormat, ProviderEnvironment
from rewardrails.providers.context import ProviderContext, SettingValue
from rewardrails.providers.http import HttpClient
from rewardrails.providers.registry import BUILT_IN, build
from rewardrails.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The least an adapter has to be given before it says what it can."""

    environment: ProviderEnvironment = ProviderEnvironment.SANDBOX
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    credentials: Mapping[str, Secret] = field(default_factory=dict)
    assets: Mapping[str, int] = field(default_factory=dict)


# A public key of nobody's: an adapter that verifies by one cannot be made without.
_SAMPLE_KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1jB1GthPT/XrHqGV3usyFgnpg56AdzNKkoWwz3f4ZRYMD/BkMpn5zAzW"
    "EwYLySxup/18O3UbRCCaHaAn2AkSVpo65W03gHdH8V/AwnKXemdH3fDIYLV2ZOu6lMJzqmCDdzm3oecE4kUWt2E6zkKUd+hJ9KfV"
    "8/Tf2gWsmVSw6yUMFeDYi33DjFPPtQRrMEeZd7YHDUJrIUIrqkBKYZ871gH7pTZRgdQtgWXd/L7x7oyouXqnz+wdvUfGbvfv6Fig"
    "tEHn+W6Y33+Br3GyNCf4hg6/O7eZjIwC0nJIYwiAX2AvN0v6lO3lR0FnYWjAUok8LzXI9QnuPbb1W1gIuBgqPQIDAQAB"
)
SAMPLES: Mapping[str, Sample] = MappingProxyType(
    {
        "exchange": Sample(
            environment=ProviderEnvironment.LIVE,
            settings={"exchange": "binance", "networks": {"TON": "TON"}},
            credentials={"api_key": Secret("sample"), "api_secret": Secret("sample")},
            assets={"TON": 9},
        ),
        "fake": Sample(
            settings={"base_url": "http://127.0.0.1:9000"},
            credentials={"api_token": Secret("sample"), "webhook_secret": Secret("whsec_" + "c2FtcGxl" * 6)},
        ),
        "manual": Sample(),
        "paypal": Sample(
            settings={"webhook_id": "sample"},
            credentials={"client_id": Secret("sample"), "client_secret": Secret("sample")},
        ),
        "reloadly": Sample(
            settings={"sender_name": "sample"},
            credentials={"client_id": Secret("sample"), "client_secret": Secret("sample")},
        ),
        "stripe": Sample(
            settings={"financial_account": "sample", "source_currency": "EUR"},
            credentials={"api_key": Secret("sample"), "webhook_secret": Secret("sample")},
        ),
        "tremendous": Sample(
            settings={"funding_source_id": "sample", "campaign_id": "sample"},
            credentials={"api_key": Secret("sample"), "webhook_private_key": Secret("sample")},
        ),
        "wise": Sample(
            settings={"profile_id": 1, "source_currency": "EUR", "webhook_public_key": _SAMPLE_KEY},
            credentials={"api_token": Secret("sample")},
        ),
    }
)

Figure = Callable[[Capabilities], str]

# Each row: the name in the code, what it means, how its value is written.
ROWS: Sequence[tuple[str, str, Figure]] = (
    ("provider_type", "kind of rail", lambda of: code(of.provider_type.value)),
    ("environments", "play money, real money", lambda of: codes(sorted(one.value for one in of.environments))),
    ("dedupe", "what a key that was seen before does", lambda of: code(of.dedupe.value)),
    ("dedupe_scope", "what one key covers", lambda of: code(of.dedupe_scope.value)),
    ("dedupe_window", "how long keys are remembered", lambda of: _window(of.dedupe_window)),
    ("dedupe_replays_errors", "refusals are bound to the key too", lambda of: _yes(is_so=of.dedupe_replays_errors)),
    ("key_format", "keys it takes", lambda of: _key_format(of.key_format)),
    ("lookup", "by what a payout can be asked for", lambda of: code(of.lookup.value)),
    (
        "lookup_is_authoritative",
        "“not found” proves that it never had it",
        lambda of: _yes(is_so=of.lookup_is_authoritative),
    ),
    ("lookup_lag", "how long a new payout may stay invisible", lambda of: _duration(of.lookup_lag)),
    ("webhooks", "what a notice proves", lambda of: code(of.webhooks.value)),
    ("statements", "how its own account of payments is read", lambda of: code(of.statements.value)),
    ("batch_limit", "payouts in one call", lambda of: str(of.batch_limit)),
    ("batch_is_atomic", "such a call is taken whole or not at all", lambda of: _yes(is_so=of.batch_is_atomic)),
    ("cancel_from", "states from which it can take a payout back", lambda of: codes(sorted(of.cancel_from))),
    ("reversal_horizon", "how long after “paid” money may come back", lambda of: _duration(of.reversal_horizon)),
    ("rate_per_second", "calls per second, unless configured", lambda of: _rate(of.rate_per_second)),
    ("max_in_flight", "payouts sent and not yet answered", lambda of: str(of.max_in_flight)),
    ("call_timeout", "longest wait for one answer", lambda of: _duration(of.call_timeout)),
    ("first_sync_after", "when it is asked without a webhook", lambda of: _duration(of.first_sync_after)),
    ("hands_over_values", "answers with a code or link for the player", lambda of: _yes(is_so=of.hands_over_values)),
    ("needs_legal_approval", "needs a recorded legal approval", lambda of: _yes(is_so=of.needs_legal_approval)),
)

# These follow the configuration of each provider, not its adapter.
AS_CONFIGURED = frozenset({"assets", "destination_kinds", "jurisdictions", "fees", "sources"})

_INTRO = """# Capabilities of the adapters

What the engine may rely on, per adapter. The figures are those of an adapter with its default settings. Assets,
destination kinds, jurisdictions and fees follow the configuration of each provider. `GET /v1/providers` and
`rewardrails providers list` say the same of the providers you have configured.
"""


def render() -> str:
    """The whole page."""
    providers = asyncio.run(_built())
    names = sorted(providers)
    methods = (
        ("can cancel", *(_yes(is_so=isinstance(providers[name], SupportsCancel)) for name in names)),
        ("takes webhooks", *(_yes(is_so=isinstance(providers[name], SupportsWebhooks)) for name in names)),
        ("tells its balance", *(_yes(is_so=isinstance(providers[name], SupportsBalance)) for name in names)),
        ("prepares before sending", *(_yes(is_so=isinstance(providers[name], SupportsPrepare)) for name in names)),
        ("sends batches", *(_yes(is_so=isinstance(providers[name], SupportsBatch)) for name in names)),
    )
    figures = (
        (f"{meaning} ({code(key)})", *(figure(providers[name].capabilities) for name in names))
        for key, meaning, figure in ROWS
    )
    return "\n".join((_INTRO, table(("", *(code(name) for name in names)), (*methods, *figures))))


async def _built() -> dict[str, RewardPayoutProvider]:
    made = {name: build(name, _context(name), announced=tuple) for name in BUILT_IN}
    for provider in made.values():
        await provider.close()
    return made


def _context(name: str) -> ProviderContext:
    sample = SAMPLES[name]
    return ProviderContext(
        name=name,
        environment=sample.environment,
        settings=sample.settings,
        credentials=sample.credentials,
        assets=sample.assets,
        http=HttpClient(),
    )


def _yes(*, is_so: bool) -> str:
    return "yes" if is_so else "no"


def _window(window: timedelta | None) -> str:
    return "for ever" if window is None else _duration(window)


def _rate(rate: float | None) -> str:
    return "no limit stated" if rate is None else f"{rate:g}"


def _key_format(keys: KeyFormat) -> str:
    return f"up to {keys.max_length} of {code(keys.alphabet)}"


def _duration(span: timedelta) -> str:
    return f"{span.days} d" if span.days and not span.seconds else f"{span.total_seconds():g} s"
