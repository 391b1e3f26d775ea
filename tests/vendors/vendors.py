"""Every vendor there is a double of: how its adapter is configured beside it, and what its journal says of a payout."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rewardrails.providers.exchange.figures import EXCHANGES
from rewardrails.providers.exchange.mapping import client_id as exchange_client_id
from rewardrails.providers.wise.mapping import transaction_id
from rewardrails.testing.contract import NoticeMaker
from tests.vendors.exchange import book as exchange
from tests.vendors.exchange import doubles as exchanges
from tests.vendors.paypal import double as paypal
from tests.vendors.paypal import notices as paypal_notices
from tests.vendors.reloadly import double as reloadly
from tests.vendors.stripe import double as stripe
from tests.vendors.tremendous import double as tremendous
from tests.vendors.wise import double as wise

# Where money does not stay with the player.
GONE = frozenset(
    {
        *("CANCELED", "FAILED", "RETURNED", "REFUNDED", "DENIED"),
        *("canceled", "failed", "returned"),
        *("cancelled", "funds_refunded", "bounced_back"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """One vendor. `settings`, `named` and `standing` are asked of a double that listens."""

    adapter: str
    type: str
    double: Callable[[], Any]
    notices: Callable[[Any], NoticeMaker] | None
    """None: it sends none."""
    credentials: Mapping[str, str]
    settings: Callable[[Any], str]
    named: Callable[[Any, str], str]
    """What the vendor calls the payout with this rail key."""
    standing: Callable[[Any, str], int]
    """How many payouts under this rail key the vendor has taken and not given back."""
    taken: Callable[[Any], list[str]]
    """The vendor's own keys of what it has taken."""
    key: Callable[[str], str] = str
    """Its own key for a rail key."""
    more: str = ""
    kind: str = "paypal_email"
    """Destinations of every other kind than this one are free text."""
    address: Callable[[str, int], str] = "{}.{}@example.org".format
    """Where reward so-and-so goes, of a life that is called so."""
    memo: str = ""
    cancels: bool = False
    returns: bool = True
    """Whether what was paid can come back."""
    finds_lost: bool = True
    """Whether it can be asked for a payout whose answer was lost."""
    refuses_for_good: bool = True
    """Whether its double's refusal is about the payout, and not about the account."""


def section(vendor: Vendor, double: Any, *, name: str, call_timeout: float, limits: str = "") -> str:
    """The configuration of one provider, as TOML; its credentials come from the environment."""
    kind = [f"[destination_kinds.{vendor.kind}]", 'parser = "note"', 'assets = ["EUR"]']
    references = [f'{key} = "env:{variable(name, key)}"' for key in vendor.credentials]
    return "\n".join(
        [
            f"[providers.{name}]",
            f'type = "{vendor.type}"',
            f'adapter = "{vendor.adapter}"',
            "enabled = true",
            f"call_timeout_seconds = {call_timeout}",
            vendor.more,
            limits,
            f"[providers.{name}.credentials]",
            *references,
            f"[providers.{name}.settings]",
            vendor.settings(double),
            *(kind if vendor.kind != Vendor.kind else ()),
            "",
        ]
    )


def route(vendor: Vendor, *, name: str) -> str:
    """What sends its kind of destination to it, unless that is the ordinary one."""
    if vendor.kind == Vendor.kind:
        return ""
    return f'[[routes]]\ndestination_kind = "{vendor.kind}"\nprovider = "{name}"\n'


def environment(vendor: Vendor, *, name: str) -> dict[str, str]:
    """The variables that `section` refers to."""
    return {variable(name, key): value for key, value in vendor.credentials.items()}


def variable(name: str, key: str) -> str:
    """Where a credential of a provider is found."""
    return f"{name}_{key}".upper().replace("-", "_")


def _paypal_settings(double: paypal.PayPalDouble) -> str:
    return "\n".join(
        [
            f'base_url = "{double.url}"',
            f'certificate_origin = "{double.url}"',
            f'webhook_id = "{paypal_notices.WEBHOOK_ID}"',
            f'trusted_roots = """{paypal_notices.root()}"""',
            "first_sync_after_seconds = 0.2",
        ]
    )


def _tremendous_settings(double: tremendous.TremendousDouble) -> str:
    return "\n".join(
        [
            f'base_url = "{double.url}"',
            f'funding_source_id = "{tremendous.FUNDING_SOURCE}"',
            f'campaign_id = "{tremendous.CAMPAIGN}"',
            "first_sync_after_seconds = 0.2",
        ]
    )


def _stripe_settings(double: stripe.StripeDouble) -> str:
    return "\n".join(
        [
            f'base_url = "{double.url}"',
            f'financial_account = "{stripe.ACCOUNT}"',
            'source_currency = "EUR"',
            "lookup_lag_seconds = 0.0",
            "first_sync_after_seconds = 0.2",
        ]
    )


def _reloadly_settings(double: reloadly.ReloadlyDouble) -> str:
    double.currency = "EUR"
    return "\n".join(
        [
            f'base_url = "{double.url}"',
            f'token_url = "{double.url}"',
            'sender_name = "A game"',
            "absent_after_seconds = 0.0",
            "first_sync_after_seconds = 0.2",
        ]
    )


def _wise_settings(double: wise.WiseDouble) -> str:
    email = '{ type = "email", fields = [{ key = "email", validationRegexp = ".+@.+" }] }'
    return "\n".join(
        [
            f'base_url = "{double.url}"',
            f"profile_id = {wise.PROFILE}",
            'source_currency = "EUR"',
            f'webhook_public_key = """{wise.PUBLIC_KEY}"""',
            "lookup_lag_seconds = 0.0",
            "first_sync_after_seconds = 0.2",
            f"recipients = {{ EUR = {email} }}",
        ]
    )


def _exchange(name: str) -> Vendor:
    """One of the exchanges; it pays euros out as its coin `EURI`."""
    row, double_of = EXCHANGES[name], exchanges.DOUBLES[name]
    passphrase = {"api_passphrase": exchange.PASSPHRASE} if row.wants_passphrase else {}

    def settings(double: exchange.ExchangeDouble) -> str:
        return "\n".join(
            [
                f'exchange = "{name}"',
                f'base_url = "{double.url}"',
                f'networks = {{ EUR = "{double.chain_of("EURI")}" }}',
                'coins = { EUR = "EURI" }',
                "first_sync_after_seconds = 0.2",
            ]
        )

    return Vendor(
        adapter="exchange",
        type="crypto_exchange",
        double=double_of,
        notices=None,
        credentials={"api_key": exchange.API_KEY, "api_secret": exchange.API_SECRET} | passphrase,
        settings=settings,
        named=lambda double, key: double.made(key)[-1].id,
        standing=lambda double, key: sum(not double.is_gone(one) for one in double.made(key)),
        taken=lambda double: [one.name for one in double.taken],
        key=exchange_client_id,
        more='fees = { fixed = { EUR = "0.20" } }\nmax_in_flight = 4\nrate_per_second = 100',
        kind=f"{name}_wallet",
        address=lambda life, number: f"Wallet{life.replace(' ', '')}x{number}",
        returns=False,
        finds_lost=bool(row.history.by_client_id),
    )


VENDORS: Mapping[str, Vendor] = {
    **{name: _exchange(name) for name in exchanges.DOUBLES},
    "paypal": Vendor(
        adapter="paypal",
        type="fiat_provider",
        double=paypal.PayPalDouble,
        notices=lambda double: paypal_notices.PayPalNotices(double.url + paypal_notices.CERTIFICATE_PATH),
        credentials={"client_id": paypal.CLIENT_ID, "client_secret": paypal.CLIENT_SECRET},
        settings=_paypal_settings,
        named=lambda double, key: next(one.batch_id for one in double.taken if one.key == key),
        standing=lambda double, key: sum(one.key == key and one.item_status not in GONE for one in double.taken),
        taken=lambda double: [one.key for one in double.taken],
        more="fees = { basis_points = 200 }",
        cancels=True,
    ),
    "reloadly": Vendor(
        adapter="reloadly",
        type="gift_card",
        double=reloadly.ReloadlyDouble,
        notices=None,
        credentials={"client_id": reloadly.CLIENT_ID, "client_secret": reloadly.CLIENT_SECRET},
        settings=_reloadly_settings,
        named=lambda double, key: str(next(one.number for one in double.taken if one.body["customIdentifier"] == key)),
        standing=lambda double, key: sum(
            one.body["customIdentifier"] == key and one.status not in GONE for one in double.taken
        ),
        taken=lambda double: [one.body["customIdentifier"] for one in double.taken],
        more='fees = { fixed = { EUR = "1.00" } }',
        kind="gift_card",
        address=lambda _life, _number: str(reloadly.RANGED),
        refuses_for_good=False,
    ),
    "stripe": Vendor(
        adapter="stripe",
        type="fiat_provider",
        double=stripe.StripeDouble,
        notices=lambda _: stripe.StripeNotices(),
        credentials={"api_key": stripe.API_KEY, "webhook_secret": stripe.WEBHOOK_SECRET},
        settings=_stripe_settings,
        named=lambda double, key: next(one.id for one in double.made(key) if one.paid),
        standing=lambda double, key: sum(one.paid for one in double.made(key) if one.payment_status not in GONE),
        taken=lambda double: [one.body["metadata"]["rewardrails_key"] for one in double.intents if one.paid],
        more="fees = { basis_points = 500 }",
        kind="stripe_recipient",
        address="acct_{}{}".format,
        cancels=True,
        refuses_for_good=False,
    ),
    "tremendous": Vendor(
        adapter="tremendous",
        type="gift_card",
        double=tremendous.TremendousDouble,
        notices=lambda _: tremendous.TremendousNotices(),
        credentials={"api_key": tremendous.API_KEY, "webhook_private_key": tremendous.WEBHOOK_KEY},
        settings=_tremendous_settings,
        named=lambda double, key: next(one.reward_id for one in double.taken if one.body["external_id"] == key),
        standing=lambda double, key: sum(
            one.body["external_id"] == key and one.status not in GONE for one in double.taken
        ),
        taken=lambda double: [one.body["external_id"] for one in double.taken],
    ),
    "wise": Vendor(
        adapter="wise",
        type="fiat_provider",
        double=wise.WiseDouble,
        notices=lambda _: wise.WiseNotices(),
        credentials={"api_token": wise.API_TOKEN},
        settings=_wise_settings,
        named=lambda double, key: str(double.made(key)[-1].number),
        standing=lambda double, key: sum(one.paid_for for one in double.made(key) if one.status not in GONE),
        taken=lambda double: [one.body["customerTransactionId"] for one in double.transfers],
        key=transaction_id,
        more="fees = { basis_points = 500 }",
        memo="Player Number",
        refuses_for_good=False,
        cancels=True,
    ),
}
