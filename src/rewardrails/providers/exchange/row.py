"""What an exchange must be known to do before money leaves through it; one such row each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import ErrorCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a documented code means; `retryable`: a new attempt may succeed without anybody changing the payout."""

    code: ErrorCode
    retryable: bool = False
    scope: RejectionScope = RejectionScope.PAYOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawing:
    """The one request that makes a payout, by the exchange's own names of its fields.

    `network` is the name under which ccxt is told the chain. `tag` None: it follows the address after a colon. `fixed` are
    fields that always say the same, `proof` those that say who signs and when. `fee_inside`: the amount asked for is what
    leaves the account, and the fee is taken out of it.
    """

    path: str
    is_form: bool = False
    coin: str
    chain: str
    network: str
    address: str
    tag: str | None
    amount: str
    client_id: str
    name: tuple[str, ...]
    """Where the answer says the exchange's own name of it."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str | int] = field(default_factory=dict)
    """Fixed fields that ccxt is told of; it writes the others itself."""
    proof: frozenset[str] = frozenset()
    fee_inside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The list of withdrawals: by what it is asked, how far back, and how an entry names what we named.

    `by_client_id` and `client_id` are empty where the list does not know our names. `since` and `until` bound the time in
    milliseconds; `since_is_exclusive`, `until_is_exclusive` where the bound itself is left out.
    """

    by_id: str
    by_client_id: str = ""
    client_id: str = ""
    status: str
    since: str
    until: str
    bounds_are_exclusive: bool = False
    window: timedelta
    """The longest time that one question may cover."""
    window_by_client_id: timedelta | None = None
    """The same where it is asked by our name; None: any time, and none is told."""
    page: int
    more: Mapping[str, str | int] = field(default_factory=dict)
    """What each question says besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How it says what our key may do: ccxt's name for the question, and where the answer says it."""

    ask: str
    may_withdraw: tuple[str, ...]
    withdraw_word: str
    """A word in that text or list; empty where it is a plain yes or no."""
    addresses: tuple[str, ...]
    """Where the network addresses stand that the key is bound to, or a plain yes or no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One exchange. `coins_by` is the parameter by which it tells of one coin only; empty: it tells of all at once."""

    title: str
    address: str
    sandbox: str = ""
    wants_passphrase: bool = False
    withdrawing: Withdrawing
    lists: Mapping[str, tuple[str, ...]]
    """Where the list stands in the answers to ccxt's methods, which makes an empty one of anything else."""
    history: History
    access: Access
    balance: Mapping[str, str] = field(default_factory=dict)
    chain_of_coin: str
    """How an entry of the list of coins calls a chain."""
    percentage_fee: str = ""
    """Where that entry says a fee by percentage; one that is not nought is not computed here."""
    coins_by: str = ""
    most_body_bytes: int = 2 * 1024 * 1024
    code: str
    """Where an answer says its code."""
    message: str
    success: frozenset[str]
    """Codes that are none; an answer without a code is a success too."""
    statuses: Mapping[str, ObservedStatus]
    refusals: Mapping[str, Refusal]
    options: Mapping[str, bool | str] = field(default_factory=dict)
    """What ccxt is set to for it."""
    rate_per_second: float
    sources: Mapping[str, str]
