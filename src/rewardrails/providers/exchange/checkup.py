"""Whether our account is ready to pay: the key's rights, the addresses that it is bound to, money, and open withdrawals."""

from collections.abc import Iterator, Sequence
from typing import Any

from rewardrails.domain.money import Money
from rewardrails.errors import RewardRailsError
from rewardrails.providers import checks
from rewardrails.providers.base import Checked
from rewardrails.providers.exchange.client import Client, Told
from rewardrails.providers.exchange.library import Ask, Unreadable
from rewardrails.providers.exchange.mapping import at, code_of, number, text_of
from rewardrails.providers.exchange.terms import TermsList
from rewardrails.providers.http import MaybeSent, NeverSent

ANYWHERE = frozenset({"", "*", "0.0.0.0"})  # noqa: S104 - what an exchange calls any address


async def ask_balance(client: Client) -> Told:
    """What the account holds; raises `Unreadable`, `NeverSent` and `MaybeSent`."""
    return await client.ask(Ask(method="fetch_balance", params=client.row.balance), client.deadline())


def held(client: Client, told: Told) -> list[Money] | None:
    """What is free of the configured coins, parts of a smallest unit left out; None where it was not told."""
    if not isinstance(told.read, dict) or not isinstance(told.read.get("free"), dict):
        return None
    found = []
    for asset, coin in client.coins.items():
        free = number(told.read["free"].get(coin, "0"))
        if free is None:
            return None
        found.append(Money(amount_minor=int(free.scaleb(client.exponents[asset])), asset=asset))
    return found


async def check(client: Client, terms: TermsList) -> Sequence[Checked]:
    """Everything that can be asked without moving anything; raises nothing for what is wrong."""
    row = client.row
    try:
        rights = await client.ask(Ask(method=row.access.ask), client.deadline())
        balance = await ask_balance(client)
    except (NeverSent, MaybeSent) as error:
        return [checks.unreachable(client.base_url, error)]
    except Unreadable as error:
        return [Checked(about="library", is_right=False, found=f"ccxt does not ask it: {error}", do="tell its makers")]
    found = [*checks.answered(client.base_url, rights.reply, permission="read the account")]
    if code := code_of(row, rights.answer):
        refusal = row.refusals.get(code)
        why = refusal.code.value if refusal is not None else "not a code that is known here"
        found.append(
            Checked(
                about="access",
                is_right=False,
                found=f"{row.title} answers {code} ({why})",
                do=f"look it up at {row.sources['errors']}: key, addresses that it is bound to, clock",
            )
        )
        return found
    found += _rights(client, rights.answer)
    money = held(client, balance)
    if money is not None:
        found += checks.holdings(money, client.exponents)
    return [*found, *[await _way_out(client, terms, asset) for asset in sorted(client.chains)]]


def _rights(client: Client, answer: Any) -> Iterator[Checked]:
    access, title = client.row.access, client.row.title
    right = at(answer, access.may_withdraw)
    may = right is True if not access.withdraw_word else access.withdraw_word in _words(right)
    yield Checked(
        about="withdraw permission",
        is_right=may,
        found="given" if may else "not given to this key",
        do=""
        if may
        else f"switch on withdrawals for the key at {title}, which asks for a list of network addresses first",
    )
    bound = at(answer, access.addresses)
    bound_to = _words(bound) - ANYWHERE
    is_bound = bound is True or bool(bound_to)
    yield Checked(
        about="network addresses",
        is_right=is_bound,
        found=(", ".join(sorted(bound_to)) or "a list is set") if is_bound else "the key works from anywhere",
        do=""
        if is_bound
        else f"bind the key to this machine's outgoing address at {title}: whoever finds it could pay",
    )


async def _way_out(client: Client, terms: TermsList, asset: str) -> Checked:
    about = f"withdrawals of {asset}"
    try:
        told = await terms.of(asset, client.deadline())
    except RewardRailsError as error:
        return Checked(about=about, is_right=False, found=str(error), do="look at its network in the settings")
    fee = f"over {client.chains[asset]}, fee {text_of(told.fee)}"
    if not told.is_open:
        return Checked(about=about, is_right=False, found=f"stopped {fee}", do="wait, or route the asset elsewhere")
    return Checked(about=about, is_right=True, found=f"open {fee}")


def _words(value: Any) -> frozenset[str]:
    """A list of words, or one text of several."""
    words = value if isinstance(value, list) else str(value or "").split(",") if isinstance(value, str) else []
    return frozenset(word.strip() for word in words if isinstance(word, str))
