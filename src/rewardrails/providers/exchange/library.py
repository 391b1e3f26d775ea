"""ccxt, held by the hand: it writes and signs requests and reads answers, and no byte of it ever goes out by itself.

Every call is made twice: once to see the request that it would send, once to have it read the answer that we fetched. So it
cannot try again, wait, load lists of its own accord or go anywhere else. Numbers reach it as text and leave it as text.
"""

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from rewardrails import clock
from rewardrails.errors import ConfigInvalid
from rewardrails.providers.exchange.row import Exchange, Withdrawing
from rewardrails.secrets import Secret

BROKERS_MARK = "Referer"
INSTALL = "pip install 'rewardrails[exchange]'"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One method of ccxt and what it is given."""

    method: str
    arguments: tuple[Any, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A request ready to be sent; what is in it stays out of repr."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, Secret] = field(repr=False)
    body: bytes | None = field(repr=False)


class Unreadable(Exception):
    """ccxt makes nothing of an answer, or does not write what it was asked for; its words may hold keys and stay inside."""


class _Caught(Exception):
    """What it would have sent."""

    def __init__(self, url: str, method: str, headers: Mapping[str, str] | None, body: str | None) -> None:
        super().__init__("caught")
        self.signed = Signed(
            method=method,
            url=url,
            headers={name: Secret(value) for name, value in (headers or {}).items() if name != BROKERS_MARK},
            body=body.encode() if body else None,
        )


class Library:
    """ccxt for one account at one exchange."""

    def __init__(
        self,
        name: str,
        row: Exchange,
        *,
        provider: str,
        base_url: str,
        credentials: Mapping[str, Secret],
        coins: Sequence[str],
    ) -> None:
        self._base_url = base_url
        self._exchange = _made(name, provider)(
            {
                **{of: secret.reveal() for of, secret in credentials.items()},
                "number": str,
                "enableRateLimit": False,
                "options": {
                    **row.options,
                    "maxRetriesOnFailure": 0,
                    "withdrawTagRequiredCurrencies": [],
                    "adjustForTimeDifference": False,
                },
            }
        )
        known: dict[str, Any] = {coin: {"id": coin, "code": coin, "precision": None, "networks": {}} for coin in coins}
        self._exchange.commonCurrencies = {}
        self._exchange.markets = {}
        self._exchange.currencies = known
        self._exchange.currencies_by_id = known
        self._exchange.milliseconds = _milliseconds
        self._exchange.urls["api"] = _moved(self._exchange.urls["api"], base_url)

    def request(self, ask: Ask) -> Signed:
        """What it sends for this; raises `Unreadable`."""

        def catch(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> None:
            raise _Caught(url, method, headers, body)

        try:
            self._call(ask, catch)
        except _Caught as caught:
            if not caught.signed.url.startswith(f"{self._base_url}/"):
                raise Unreadable("it would go elsewhere") from None
            return caught.signed
        raise Unreadable("it asks nobody")

    def read(self, ask: Ask, answer: object) -> Any:
        """What it makes of the answer to its one request; raises `Unreadable`."""
        given = 0

        def hand_over(*_: Any, **__: Any) -> object:
            nonlocal given
            given += 1
            if given > 1:
                raise Unreadable("it would ask once more")
            return answer

        return self._call(ask, hand_over)

    def withdrawal(self, ask: Ask, withdrawing: Withdrawing, wanted: Mapping[str, str]) -> Signed:
        """The request that makes a payout, once it says exactly what was wanted, field by field; raises `Unreadable`."""
        signed = self.request(ask)
        if (signed.method, signed.url) != ("POST", f"{self._base_url}{withdrawing.path}"):
            raise Unreadable("it is not the request for a withdrawal")
        said = _fields(signed.body or b"", is_form=withdrawing.is_form)
        told = {name: value for name, value in said.items() if name not in withdrawing.proof}
        if not _same(told, wanted, withdrawing.amount):
            raise Unreadable("it does not say what was ordered")
        return signed

    def _call(self, ask: Ask, fetch: Any) -> Any:
        self._exchange.fetch = fetch
        try:
            return getattr(self._exchange, ask.method)(*ask.arguments, dict(ask.params))
        except (_Caught, Unreadable):
            raise
        except Exception as error:
            raise Unreadable(type(error).__name__) from None
        finally:
            del self._exchange.fetch


def _made(name: str, provider: str) -> Any:
    try:
        return getattr(importlib.import_module(f"ccxt.{name}"), name)
    except ImportError as error:
        raise ConfigInvalid(
            f"provider {provider!r} needs a library that is not installed: {INSTALL}",
            field=f"providers.{provider}.adapter",
        ) from error


def _milliseconds() -> int:
    return (clock.now() - _EPOCH) // timedelta(milliseconds=1)


def _moved(urls: Any, base_url: str) -> Any:
    """Every address of the exchange at ours, its path kept."""
    match urls:
        case dict():
            return {name: _moved(one, base_url) for name, one in urls.items()}
        case str():
            return base_url + urlsplit(urls).path
        case _:
            return urls


def _fields(body: bytes, *, is_form: bool) -> Mapping[str, str]:
    """What a body says; raises `Unreadable` where a name comes twice or a value is no plain one."""
    try:
        text = body.decode()
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True) if is_form else _members(text)
    except ValueError:
        raise Unreadable("its body cannot be read") from None
    said = dict(pairs)
    if len(said) < len(pairs):
        raise Unreadable("its body says something twice")
    return said


def _members(text: str) -> list[tuple[str, str]]:
    pairs: list[list[tuple[str, Any]]] = []
    json.loads(text, object_pairs_hook=pairs.append, parse_int=str)
    if len(pairs) != 1 or not all(isinstance(value, str) for _, value in pairs[0]):
        raise ValueError("not one object of plain values")
    return pairs[0]


def _same(told: Mapping[str, str], wanted: Mapping[str, str], amount: str) -> bool:
    """Amounts may be written with more or fewer noughts; all else is equal to the letter."""
    if told.keys() != wanted.keys():
        return False
    try:
        same_amount = Decimal(told[amount]) == Decimal(wanted[amount])
    except InvalidOperation:
        return False
    return same_amount and all(told[name] == value for name, value in wanted.items() if name != amount)
