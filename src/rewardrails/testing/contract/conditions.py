"""When a behaviour applies: always derived from what the adapter declares, never from a list of exceptions."""

from collections.abc import Callable
from dataclasses import dataclass

from rewardrails.domain.statement import Statements
from rewardrails.providers.base import RewardPayoutProvider, SupportsBalance
from rewardrails.providers.capabilities import Capabilities, Dedupe, Lookup, ProviderType, WebhookTrust

Unless = Callable[[RewardPayoutProvider], str]
"""A provider to the reason why a behaviour does not concern it; an empty text means that it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`when` in words for the page; `unless` says why a given adapter is not concerned."""

    when: str
    unless: Unless

    def __and__(self, other: "Condition") -> "Condition":
        """Both hold; the first that does not gives the reason."""
        return Condition(
            when=f"{self.when}, and {other.when}",
            unless=lambda provider: self.unless(provider) or other.unless(provider),
        )


def declared(when: str, reason: str, holds: Callable[[Capabilities], bool]) -> Condition:
    """A condition on capabilities; `reason` may quote them as `{field}`."""

    def unless(provider: RewardPayoutProvider) -> str:
        can = provider.capabilities
        return "" if holds(can) else reason.format_map(_Quoted(can))

    return Condition(when=when, unless=unless)


class _Quoted(dict[str, object]):
    """Capabilities by name, as `format_map` asks for them."""

    def __init__(self, capabilities: Capabilities) -> None:
        super().__init__()
        self._capabilities = capabilities

    def __missing__(self, name: str) -> str:
        value = getattr(self._capabilities, name)
        return ", ".join(sorted(value)) or "empty" if isinstance(value, frozenset) else str(value)


ALWAYS = Condition(when="always", unless=lambda _provider: "")
OVER_A_WIRE = declared(
    "the rail is reached over a network",
    "provider_type is {provider_type}: people pay, nothing is sent",
    lambda can: can.provider_type is not ProviderType.MANUAL,
)
DEDUPLICATES = declared(
    "the rail knows a key again",
    "dedupe is {dedupe}: the rail pays again under a seen key",
    lambda can: can.dedupe is not Dedupe.NONE,
)
WINDOW = declared(
    "keys are forgotten after a while",
    "dedupe_window is {dedupe_window}: keys are remembered for ever",
    lambda can: can.dedupe_window is not None,
)
FOUND_BY_OUR_REFERENCE = declared(
    "payouts are found by our reference",
    "lookup is {lookup}: the rail cannot be asked by our reference",
    lambda can: can.lookup is Lookup.OUR_REFERENCE,
)
LOOKS_UP = declared(
    "payouts can be looked up",
    "lookup is {lookup}: the rail cannot be asked",
    lambda can: can.lookup is not Lookup.NONE,
)
CANCELS = declared(
    "the rail can cancel what is pending",
    "cancel_from is {cancel_from}: it takes nothing pending back",
    lambda can: "pending" in can.cancel_from,
)
PAID_IS_FINAL = declared(
    "a paid payout cannot be canceled",
    "cancel_from is {cancel_from}: even a paid payout can be canceled",
    lambda can: "paid" not in can.cancel_from,
)
BATCHES = declared(
    "the rail takes several orders in one call", "batch_limit is {batch_limit}", lambda can: can.batch_limit > 1
)
NOTIFIES = declared(
    "the rail sends notices", "webhooks is {webhooks}", lambda can: can.webhooks is not WebhookTrust.NONE
)
SIGNED = declared(
    "its notices are signed",
    "webhooks is {webhooks}: there is no signature",
    lambda can: can.webhooks in {WebhookTrust.SIGNED_FULL, WebhookTrust.SIGNED_THIN},
)
SIGNED_FULL = declared(
    "its notices are signed and tell everything",
    "webhooks is {webhooks}: a notice is only a reason to ask",
    lambda can: can.webhooks is WebhookTrust.SIGNED_FULL,
)
UNSIGNED = declared(
    "its notices are not signed",
    "webhooks is {webhooks}, not an unsigned hint",
    lambda can: can.webhooks is WebhookTrust.UNSIGNED_HINT,
)
TELLS_ITS_BALANCE = Condition(
    when="the adapter implements SupportsBalance",
    unless=lambda provider: "" if isinstance(provider, SupportsBalance) else "it does not implement SupportsBalance",
)
LISTS = declared(
    "the rail lists what it paid",
    "statements is {statements}: there is no list to ask for",
    lambda can: can.statements is Statements.LIST,
)
